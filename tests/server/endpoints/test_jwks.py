"""``GET /.well-known/jwks.json``: the public half of what signs (KEY-01, KEY-02)."""

from http_world import AUDIENCE, ISSUER, NOW, World

from keyturn.core import keys
from keyturn.core.model import Origin
from keyturn.tokens import access_token
from keyturn.tokens.access_token import Expected
from keyturn.tokens.algorithms import Algorithm
from keyturn.tokens.keys import VerificationKey


async def test_the_set_is_public_and_cacheable(world: World) -> None:
    """Media type, cache age and members as RFC 7517 has them; nothing private."""
    async with world.client() as client:
        response = await client.get("/.well-known/jwks.json")

    assert response.headers["content-type"] == "application/jwk-set+json"
    assert response.headers["cache-control"] == "public, max-age=300"
    (key,) = response.json()["keys"]
    assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert (key["use"], key["alg"]) == ("sig", "ES256")


async def test_whoever_has_it_gets_304(world: World) -> None:
    """RFC 9110 §13.1.2, also as one of several and as a weak tag; another version is sent whole."""
    async with world.client() as client:
        etag = (await client.get("/.well-known/jwks.json")).headers["etag"]
        for sent in (etag, f'"other", {etag}', f"W/{etag}", "*"):
            response = await client.get("/.well-known/jwks.json", headers={"If-None-Match": sent})
            assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", etag)
        assert (await client.get("/.well-known/jwks.json", headers={"If-None-Match": '"other"'})).status_code == 200


async def test_a_new_key_changes_the_version(world: World) -> None:
    """KEY-03: the next key stands in the set before it signs."""
    async with world.client() as client:
        before = await client.get("/.well-known/jwks.json")
        await keys.rotate_now(world.services, origin=Origin(), now_ms=world.clock.ms)
        after = await client.get("/.well-known/jwks.json", headers={"If-None-Match": before.headers["etag"]})

    assert after.status_code == 200
    assert len(after.json()["keys"]) == 2


async def test_the_tokens_verify_with_it(world: World) -> None:
    """The set and the tokens fit each other."""
    text = (await world.login())["access_token"]
    async with world.client() as client:
        (jwk,) = (await client.get("/.well-known/jwks.json")).json()["keys"]
    key = VerificationKey.from_jwk(jwk)
    expected = Expected(issuer=ISSUER, audiences=frozenset({AUDIENCE}), algorithms=frozenset({Algorithm.ES256}))

    token = access_token.verify(text, find_key={jwk["kid"]: key}.get, expected=expected, now=NOW)

    assert token.scopes == {"orders:read"}


async def test_head_tells_the_same(world: World) -> None:
    """Without a body."""
    async with world.client() as client:
        got, head = await client.get("/.well-known/jwks.json"), await client.head("/.well-known/jwks.json")

    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", got.headers["etag"])
