"""Every endpoint with a body refuses what has no or two meanings, before anything is hashed or changed (WEB-11)."""

import pytest
from http_world import ISSUER, PASSWORD, World, bearer

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"

ENDPOINTS = [
    ("/login", JSON, b'{"username": "ada", "password": "%b"}' % PASSWORD.encode()),
    ("/login", FORM, b"username=ada&password=correct+horse+battery"),
    ("/token", FORM, b"grant_type=refresh_token&refresh_token=x"),
    ("/revoke", FORM, b"token=x"),
    ("/logout", JSON, b'{"refresh_token": "x"}'),
    ("/password", JSON, b'{"current_password": "%b", "new_password": "another password"}' % PASSWORD.encode()),
    ("/register", JSON, b'{"username": "eve", "password": "another password"}'),
]

everywhere = pytest.mark.parametrize(("path", "content_type", "good"), ENDPOINTS)


async def refused(world: World, path: str, content: bytes, *content_types: str) -> tuple[int, str]:
    """Send a body with a good token; assert that nothing was changed; return status and code of the answer."""
    token = (await world.login(resource=ISSUER))["access_token"]
    before = await world.reasons()
    headers = [("Content-Type", content_type) for content_type in content_types]
    async with world.client() as client:
        response = await client.post(path, content=content, headers=[*bearer(token).items(), *headers])
    assert await world.reasons() == before
    return response.status_code, response.json()["error"]


@everywhere
async def test_a_body_over_16_kib_is_413(world: World, path: str, content_type: str, good: bytes) -> None:
    """A49: with a length or without one."""
    assert await refused(world, path, good + b" " * 16_384, content_type) == (413, "invalid_request")


@everywhere
@pytest.mark.parametrize(
    "types", [(), ("text/plain",), ("multipart/form-data; boundary=x",), (JSON, FORM), (JSON, JSON)]
)
async def test_another_content_type_is_415(
    world: World, path: str, content_type: str, good: bytes, types: tuple[str, ...]
) -> None:
    """A42: exactly one, and one that is read here."""
    assert await refused(world, path, good, *types) == (415, "invalid_request")


@everywhere
async def test_another_charset_is_415(world: World, path: str, content_type: str, good: bytes) -> None:
    """A19: UTF-8 or nothing."""
    assert await refused(world, path, good, f"{content_type}; charset=utf-16") == (415, "invalid_request")


@everywhere
async def test_a_body_that_can_not_be_read_is_400(world: World, path: str, content_type: str, good: bytes) -> None:
    """A18, A19, A20, A56: fields that are there twice, broken encodings, NUL."""
    if content_type == JSON:
        bodies = [
            good[:-1],
            good + b"}",
            good[:-1] + b', "x": 1, "x": 1}',
            b"[%b]" % good,
            good.replace(b'": "', b'": "\xff'),
        ]
        bodies += [good.replace(b'": "', b'": "\\u0000'), good.replace(b'": "', b'": "\\ud800'), b"[" * 9000]
    else:
        bodies = [good + b"&x=1&x=2", good + b"&x=%ff", good + b"&x=%0", good + b"&x=%00"]
    for body in bodies:
        assert await refused(world, path, body, content_type) == (400, "invalid_request")


async def test_a_form_with_too_many_fields_is_413(world: World) -> None:
    """WEB-11: 65 fields."""
    body = b"&".join(b"f%d=1" % number for number in range(65))

    assert await refused(world, "/token", body, FORM) == (413, "invalid_request")
