"""Every kind of token at every place that takes one: only what belongs there passes (RFC 8725 §2.8, §3.12)."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from http_world import AUDIENCE, ISSUER, NOW, PASSWORD, REFRESH, REFRESH_FORM, SAME_ORIGIN, World

from keyturn import InvalidToken, Verifier
from keyturn.core.ratelimit import Rate
from keyturn.tokens import base64url, device_token
from keyturn.tokens.access_token import Expected
from keyturn.tokens.algorithms import ASYMMETRIC, Algorithm
from keyturn.tokens.keys import SigningKey
from keyturn.verify.feed.intake import FeedIntake
from keyturn.verify.key_source import FixedKeys

Present = Callable[[World, str], Awaitable[bool]]

ACCESS, NATIVE, BROWSER, DEVICE, PAGE = (
    *("access token", "refresh token, native", "refresh token, browser", "device token", "page of the feed"),
)


async def every_kind(world: World) -> dict[str, str]:
    """Return a fresh token of each kind: ours, and what others call tokens, signed with the server's own key."""
    login, browser = await world.login(), await world.browser()
    async with world.client() as client:
        page = (await client.get("/revocations")).text
    claims = json.loads(base64url.decode(login["access_token"].split(".")[1]))
    key, stranger = world.services.keyring.signing_key(), SigningKey.generate(Algorithm.ES256)
    return {
        ACCESS: login["access_token"],
        NATIVE: login["refresh_token"],
        BROWSER: browser.cookies[REFRESH],
        DEVICE: login["device_token"],
        PAGE: page,
        "session id": claims["sid"],
        "token id": claims["jti"],
        **{name: signed(key, typ, {**claims, **more}) for name, (typ, more) in FOREIGN.items()},
        "access token of another issuer": signed(stranger, "at+jwt", {**claims, "iss": "https://other.example.com"}),
        "access token by another key": signed(stranger, "at+jwt", claims),
    }


#: With all the claims of an access token, so that nothing but the type, or the one claim, is wrong.
FOREIGN: dict[str, tuple[str | None, dict[str, Any]]] = {
    "ID token": ("JWT", {"nonce": "n", "at_hash": "A" * 22}),
    "JWT without type": (None, {}),
    "DPoP proof": ("dpop+jwt", {"htm": "POST", "htu": f"{ISSUER}/token", "ath": "A" * 43}),
    "client assertion": ("client-authentication+jwt", {"iss": ISSUER, "sub": "first-party"}),
    "authorization grant": ("authorization-grant+jwt", {}),
    "logout token": ("logout+jwt", {"events": {"http://schemas.openid.net/event/backchannel-logout": {}}}),
    "security event": ("secevent+jwt", {"events": {}}),
    "status list": ("statuslist+jwt", {"status_list": {"bits": 1, "lst": "eNrbuRgAAhcBXQ"}}),
    "token introspection": ("token-introspection+jwt", {"token_introspection": {"active": True}}),
    "reset token": ("reset+jwt", {}),
    "page with an access token's claims": ("revocations+jwt", {}),
    "access token for another API": ("at+jwt", {"aud": "https://elsewhere.example.com"}),
    "access token bound to a key": ("at+jwt", {"cnf": {"jkt": "A" * 43}}),
    "access token that says more": ("at+jwt", {"jti": "more", "sid": "more", "seq": 1, "more": False, "entries": []}),
}


async def to_an_api(world: World, text: str) -> bool:
    """Present it to an API that uses the SDK."""
    keys = await jwks(world)
    verifier = Verifier(ISSUER, AUDIENCE, jwks=keys, clock=lambda: world.clock.ms / 1000)
    try:
        return verifier.verify(text).sub != ""
    except InvalidToken:
        return False


async def to_me(world: World, text: str) -> bool:
    """Present it to the server itself, as a bearer token."""
    return await world.is_good(text)


async def to_token(world: World, text: str) -> bool:
    """Present it as a native client's refresh token."""
    return await world.refreshes(text)


async def to_token_by_cookie(world: World, text: str) -> bool:
    """Present it as a browser's refresh token."""
    async with world.client(Cookie=f"{REFRESH}={text}", **SAME_ORIGIN) as client:
        return (await client.post("/token", data=REFRESH_FORM)).status_code == 200


async def to_login(world: World, text: str) -> bool:
    """Present it as the device token of a login, and see whether the device is known then."""
    ids = world.services.master_keys.device_token_keys
    body = {"username": "ada", "password": PASSWORD, "client": "native", "device_token": text}
    async with world.client() as client:
        response = await client.post("/login", json=body)
    if response.status_code != 200:  # longer than any device token
        return False
    shown, given = (device_token.parse(each, ids) for each in (text, response.json()["device_token"]))
    return shown is not None and given is not None and given.device_id == shown.device_id


async def to_revoke(world: World, text: str) -> bool:
    """Present it to be revoked, and see whether anything is."""
    return await _does_something(world, lambda client: client.post("/revoke", data={"token": text}))


async def to_logout(world: World, text: str) -> bool:
    """Present it to end its session, and see whether one ends."""
    return await _does_something(world, lambda client: client.post("/logout", json={"refresh_token": text}))


async def to_a_follower(world: World, text: str) -> bool:
    """Present it as a page to who follows the feed."""
    expected = Expected(issuer=ISSUER, audiences=frozenset({AUDIENCE}), algorithms=ASYMMETRIC)
    keys = FixedKeys(await jwks(world), algorithms=ASYMMETRIC)
    intake = FeedIntake(keys=keys, expected=expected, max_age=10, max_entries=1000, clock=lambda: NOW)
    try:
        await intake.take(text)
    except InvalidToken:
        return False
    return True


#: Each place, and all that passes there. To revoke takes both kinds (RFC 7009 §2.1), a logout any refresh token.
PLACES: dict[str, tuple[Present, set[str]]] = {
    "an API": (to_an_api, {ACCESS, "access token that says more"}),
    "/me": (to_me, {ACCESS, "access token that says more"}),
    "/token": (to_token, {NATIVE}),
    "/token by cookie": (to_token_by_cookie, {BROWSER}),
    "/login, device": (to_login, {DEVICE}),
    "the feed": (to_a_follower, {PAGE}),
    "/revoke": (to_revoke, {ACCESS, NATIVE, BROWSER, "access token that says more"}),
    "/logout": (to_logout, {NATIVE, BROWSER}),
}


async def test_a27_only_the_diagonal_passes(world: World, say: Callable[[str], None]) -> None:
    """A27, A38: each kind presented as every other: what does not belong there changes nothing."""
    no_limit = Rate(burst=10**9, interval_us=10**5)
    world.policy(login_per_ip=no_limit, login_per_account=no_limit, login_per_device=no_limit)
    passed: dict[str, set[str]] = {}
    for place, (present, right) in PLACES.items():
        kinds = await every_kind(world)
        wrong_first = sorted(kinds, key=lambda kind, right=right: kind in right)  # type: ignore[misc]
        passed[place] = {kind for kind in wrong_first if await present(world, kinds[kind])}
    for line in matrix(list(kinds), passed):
        say(line)
    assert passed == {place: right for place, (_, right) in PLACES.items()}


def matrix(kinds: list[str], passed: dict[str, set[str]]) -> list[str]:
    """Return the matrix as lines."""
    head = " " * 36 + "  ".join(passed)
    return [head, *(f"{kind:36}{_row(kind, passed)}" for kind in kinds)]


def _row(kind: str, passed: dict[str, set[str]]) -> str:
    return "  ".join(("yes" if kind in right else "-").center(len(place)) for place, right in passed.items())


def signed(key: SigningKey, typ: str | None, claims: dict[str, Any]) -> str:
    """Return a JWT of this type."""
    header = {"alg": key.algorithm.value, "kid": key.kid} | ({"typ": typ} if typ else {})
    signing_input = ".".join(base64url.encode(json.dumps(part).encode()) for part in (header, claims))
    return f"{signing_input}.{base64url.encode(key.sign(signing_input.encode()))}"


async def jwks(world: World) -> dict[str, Any]:
    """Return what the server publishes."""
    async with world.client() as client:
        document: dict[str, Any] = (await client.get("/.well-known/jwks.json")).json()
        return document


async def _does_something(world: World, ask: Callable[[Any], Awaitable[Any]]) -> bool:
    before = len(await world.audit())
    async with world.client() as client:
        await ask(client)
    return len(await world.audit()) > before
