"""Every endpoint that takes a bearer token refuses a bad one in the words of RFC 6750 (WEB-01, WEB-02)."""

from dataclasses import replace
from typing import Any

import pytest
from http_world import AUDIENCE, ISSUER, NOW, World, bearer

from keyturn.core import revoke
from keyturn.core.model import Origin
from keyturn.tokens import access_token
from keyturn.tokens.access_token import Claims
from keyturn.tokens.algorithms import Algorithm
from keyturn.tokens.keys import SigningKey

ENDPOINTS = [
    ("GET", "/me"),
    ("GET", "/sessions"),
    ("DELETE", "/sessions/some"),
    ("POST", "/logout/all"),
    ("POST", "/password"),
    ("GET", "/admin/api/users"),
    ("GET", "/admin/api/users/some"),
    ("POST", "/admin/api/users/some/disable"),
    ("POST", "/admin/api/users/some/enable"),
    ("GET", "/admin/api/sessions"),
    ("POST", "/admin/api/sessions/some/end"),
    ("GET", "/admin/api/keys"),
    ("POST", "/admin/api/keys/rotate"),
    ("POST", "/admin/api/keys/some/revoke"),
]

everywhere = pytest.mark.parametrize(("method", "path"), ENDPOINTS)

CLAIMS = Claims(
    issuer=ISSUER,
    subject="sub",
    audience=AUDIENCE,
    client_id="first-party",
    session_id="sid",
    auth_time=NOW,
    scope=("orders:read",),
    roles=("user",),
    issued_at=NOW,
    expires_at=NOW + 600,
    token_id="jti",
)


@everywhere
async def test_without_a_token_the_challenge_names_no_error(world: World, method: str, path: str) -> None:
    """RFC 6750 §3.1: nobody has done anything wrong yet."""
    async with world.client() as client:
        for headers in ({}, {"Authorization": "Basic YTpi"}):
            response = await client.request(method, path, headers=headers)
            assert response.status_code == 401
            assert response.headers["www-authenticate"] == f'Bearer realm="{ISSUER}"'
            assert response.json()["error"] == "invalid_token"


@everywhere
async def test_a_bad_token_is_401_and_never_403(world: World, method: str, path: str) -> None:
    """A01, A24, A25, A38: forged, expired, somebody else's, or of another kind: one answer."""
    login = await world.login()
    key = world.services.keyring.signing_key()
    texts = [
        "x",
        login["refresh_token"],
        login["device_token"],
        login["access_token"][:-2] + "AA",
        access_token.issue(replace(CLAIMS, issuer="https://evil.example"), key),
        access_token.issue(replace(CLAIMS, audience="https://elsewhere.example.com"), key),
        access_token.issue(replace(CLAIMS, issued_at=NOW - 900, expires_at=NOW - 1), key),
        access_token.issue(replace(CLAIMS, issued_at=NOW + 300), key),
        access_token.issue(CLAIMS, SigningKey.generate(Algorithm.ES256)),
    ]
    async with world.client(X_Request_Id="same") as client:
        answers = [await client.request(method, path, headers=bearer(text)) for text in texts]

    assert {answer.status_code for answer in answers} == {401}
    assert len({(answer.content, tuple(answer.headers.raw)) for answer in answers}) == 1
    assert 'error="invalid_token"' in answers[0].headers["www-authenticate"]
    assert await world.is_good(login["access_token"])


@everywhere
@pytest.mark.parametrize(
    "headers",
    [
        [("Authorization", "Bearer {good}"), ("Authorization", "Bearer {good}")],
        [("Authorization", "Bearer {good}"), ("Authorization", "Basic YTpi")],
        [("Authorization", "Bearer {good} {good}")],
        [("Authorization", "Bearer {good},{good}")],
        [("Authorization", "Bearer ")],
        [("Authorization", 'Bearer "{good}"')],
    ],
)
async def test_a_malformed_or_doubled_header_is_400(
    world: World, method: str, path: str, headers: list[tuple[str, str]]
) -> None:
    """A56: two tokens are none, even if they are the same one."""
    good = (await world.login())["access_token"]
    async with world.client() as client:
        sent = [(name, value.format(good=good)) for name, value in headers]
        response = await client.request(method, path, headers=sent)

    assert response.status_code == 400
    assert response.json()["error"] == "invalid_request"
    assert 'error="invalid_request"' in response.headers["www-authenticate"]
    assert await world.is_good(good)


async def test_a_token_in_the_query_or_in_a_cookie_is_not_read(world: World) -> None:
    """WEB-02: the header alone."""
    good = (await world.login(client="native"))["access_token"]
    async with world.client(Cookie=f"__Host-keyturn_access={good}") as client:
        response = await client.get("/me", params={"access_token": good})

    assert response.status_code == 401


async def test_the_scheme_may_be_in_any_letter_case(world: World) -> None:
    """RFC 9110 §11.1."""
    good = (await world.login())["access_token"]
    async with world.client() as client:
        for scheme in ("bearer", "BEARER", "bEaReR"):
            assert (await client.get("/me", headers={"Authorization": f"{scheme} {good}"})).status_code == 200


@pytest.mark.parametrize(
    "revoking", [revoke.revoke_sub, lambda services, _sub, **more: revoke.revoke_all(services, NOW, **more)]
)
async def test_a_cut_off_works_at_once(world: World, revoking: Any) -> None:
    """REF-12: of one user or of everybody; and who logs in again has a good token at once."""
    user = await world.add_user("eve")
    before = await world.login("eve")
    await revoking(world.services, user.sub, origin=Origin(), now_ms=world.clock.ms)

    assert not await world.is_good(before["access_token"])
    assert await world.is_good((await world.login("eve"))["access_token"])


async def test_a_revocation_in_another_process_works_at_once(world: World, make_world: Any) -> None:
    """Contract §4: on the authorization server a revocation works at once, in every process."""
    login = await world.login()
    other = await make_world()
    async with other.client() as client:
        await client.post("/logout", headers=bearer(login["access_token"]))

    assert not await world.is_good(login["access_token"])


async def test_a_store_that_is_down_is_503_and_never_401(world: World) -> None:
    """REF-17: what can't be judged is no bad token; the client keeps it."""
    login = await world.login()
    world.take_store_down()
    async with world.client() as client:
        for method, path in ENDPOINTS:
            response = await client.request(method, path, headers=bearer(login["access_token"]))
            assert (response.status_code, response.json()["error"]) == (503, "temporarily_unavailable")
            assert response.headers["retry-after"] == "1"
