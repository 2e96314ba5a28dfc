"""A whole attack on an app in this process: what it may conclude, and what it may not."""

import itertools
import json
import socket
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import jwt
import pytest
from attack_world import AUDIENCE, CHALLENGE, ISSUER, Answers, Api, Asked, Said, attack, flaws, takes, verdicts

from keyturn.attack import player
from keyturn.attack.cases import BY_ID, CASES
from keyturn.attack.judging import Standing
from keyturn.attack.material import read_token
from keyturn.attack.model import Need, Verdict
from keyturn.attack.page import to_html
from keyturn.attack.report import to_json
from keyturn.attack.target import signer_of
from keyturn.testing import TestIssuer


def alters(answer: Answers, change: Callable[[Asked, Said], Said]) -> Answers:
    """Return the answers of *answer*, each changed by *change*."""
    return lambda asked: change(asked, answer(asked))


async def test_an_api_that_is_sound_has_no_flaw_and_no_doubt(issuer: TestIssuer) -> None:
    """All that can be played without an account is played and refused."""
    report = await attack(Api(takes(issuer)), issuer)
    played = {result.case.id for result in report.results if result.verdict is Verdict.SOUND}
    expected = {case.id for case in CASES if case.need not in {Need.ISSUER, Need.REVOCATION}}
    assert flaws(report) == set()
    assert played == expected - {"string-scope", "role-confusion"}  # the app asks for neither


async def test_no_more_is_sent_than_is_allowed(issuer: TestIssuer) -> None:
    """The app itself counts; what was not played is not called sound."""
    api = Api(takes(issuer))
    report = await attack(api, issuer, max_requests=30)
    unplayed = [result for result in report.results if "budget" in result.because]
    assert len(api.asked) == report.sent == 30
    assert len(report.results) == len(CASES)
    assert len(unplayed) > 20
    assert all(result.verdict is Verdict.NOT_PLAYED for result in unplayed)


async def test_a_budget_that_ends_before_the_second_route_says_so(issuer: TestIssuer) -> None:
    """Three requests look at one route."""
    report = await attack(Api(takes(issuer)), issuer, routes=["GET /orders", "GET /more"], max_requests=3)
    assert [str(baseline.route) for baseline in report.baselines] == ["GET /orders"]
    assert any("GET /more" in note and "budget" in note for note in report.notes)


async def test_what_is_accepted_once_alone_is_no_flaw(issuer: TestIssuer) -> None:
    """A flaw is seen twice, or it is a doubt."""
    turns = itertools.count()

    def once(asked: Asked, said: Said) -> Said:
        forged = asked.token.endswith(".")
        return Said(status=200) if forged and next(turns) == 0 else said

    report = await attack(Api(alters(takes(issuer), once)), issuer, "no-signature")
    assert verdicts(report) == {"no-signature": Verdict.INCONCLUSIVE}


async def test_a_good_token_that_dies_amid_a_case_leaves_a_doubt(issuer: TestIssuer) -> None:
    """Whoever refuses everything is not sound: the address may be locked, or the token over."""
    asked = itertools.count()
    api = Api(alters(takes(issuer), lambda _, said: Said(status=401) if next(asked) > 3 else said))
    assert verdicts(await attack(api, issuer, "alg-none")) == {"alg-none": Verdict.INCONCLUSIVE}


async def test_an_answer_like_neither_leaves_a_doubt(issuer: TestIssuer) -> None:
    """A 404 to a forged token may be a user who is not there: the token may have been believed."""

    def gone(asked: Asked, said: Said) -> Said:
        return Said(status=404) if said.status == 401 and asked.token.count(".") == 2 else said

    report = await attack(Api(alters(takes(issuer), gone)), issuer, "any-signature")
    assert verdicts(report) == {"any-signature": Verdict.INCONCLUSIVE}


async def test_a_target_that_is_busy_is_waited_for(issuer: TestIssuer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A 429 is no refusal; after the wait that it asks for, the answer counts."""
    monkeypatch.setattr(player, "LONGEST_WAIT", 0.01)
    turns = itertools.count(1)

    def busy(_: Asked, said: Said) -> Said:
        return Said(status=429, headers={"Retry-After": "1"}) if next(turns) % 3 == 0 else said

    report = await attack(Api(alters(takes(issuer), busy)), issuer, "any-signature", "alg-none")
    assert set(verdicts(report).values()) == {Verdict.SOUND}


async def test_a_target_that_stays_busy_leaves_a_doubt(issuer: TestIssuer, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked so often and no more."""
    monkeypatch.setattr(player, "LONGEST_WAIT", 0.01)

    def busy(asked: Asked, said: Said) -> Said:
        return Said(status=429) if asked.token.endswith(".") else said

    api = Api(alters(takes(issuer), busy))
    report = await attack(api, issuer, "alg-none")
    assert verdicts(report) == {"alg-none": Verdict.INCONCLUSIVE}
    assert max(map(len, _by_token(api).values())) == player.WAITS + 1


async def test_a_target_that_is_busy_for_good_is_not_waited_for_at_each_shot(
    issuer: TestIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address that is locked for an hour would else hold the attack up for as long."""
    monkeypatch.setattr(player, "LONGEST_WAIT", 0.001)
    busy = Said(status=429, headers={"Retry-After": "3600"})
    api = Api(alters(takes(issuer), lambda asked, said: busy if asked.token.endswith(".") else said))
    await attack(api, issuer, "alg-none")
    monkeypatch.setattr(player, "VAIN", 2)
    bounded = Api(alters(takes(issuer), lambda asked, said: busy if asked.token.endswith(".") else said))
    report = await attack(bounded, issuer, "alg-none")
    asked = [len(found) for found in _by_token(bounded).values()]
    assert verdicts(report) == {"alg-none": Verdict.INCONCLUSIVE}
    assert asked[:2] == [player.WAITS + 1] * 2
    assert 1 in asked
    assert len(bounded.asked) < len(api.asked)


async def test_a_target_that_answers_again_is_waited_for_again(
    issuer: TestIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what was in vain all the time is given up."""
    monkeypatch.setattr(player, "LONGEST_WAIT", 0.001)
    monkeypatch.setattr(player, "VAIN", 2)
    turns = itertools.count(1)

    def busy(_: Asked, said: Said) -> Said:
        return Said(status=429, headers={"Retry-After": "1"}) if next(turns) % 3 == 0 else said

    report = await attack(Api(alters(takes(issuer), busy)), issuer, "any-signature", "alg-none")
    assert set(verdicts(report).values()) == {Verdict.SOUND}


@pytest.mark.parametrize(("times", "flaw"), [(1, set()), (2, {"crash"})])
async def test_a_failure_that_comes_again_is_a_crash(issuer: TestIssuer, times: int, flaw: set[str]) -> None:
    """Anything fails once."""
    failed: list[str] = []

    def fail(asked: Asked, said: Said) -> Said:
        if asked.token.endswith(".") and failed.count(asked.token) < times:
            failed.append(asked.token)
            return Said(status=500)
        return said

    assert flaws(await attack(Api(alters(takes(issuer), fail)), issuer, "alg-none", "crash")) == flaw


@pytest.mark.parametrize(
    ("body", "found"), [('{"page": "of the front end"}', set()), ('{"orders": []}', {"path-bypass"})]
)
async def test_a_page_at_another_path_is_no_way_in(issuer: TestIssuer, body: str, found: set[str]) -> None:
    """Only what the route itself would have answered is."""

    def elsewhere(asked: Asked, said: Said) -> Said:
        return Said(status=200, body=body) if asked.path == "/orders/" else said

    assert flaws(await attack(Api(alters(takes(issuer), elsewhere)), issuer, "path-bypass")) == found


async def test_a_403_is_wrong_for_a_bad_token_alone(issuer: TestIssuer) -> None:
    """A firewall may answer a strange path with it, and an API a good token without the scope (RFC 6750 §3.1)."""
    sound = takes(issuer)

    def firewall(asked: Asked, said: Said) -> Said:
        scope = read_token(asked.token)[1].get("scope")
        refused = asked.path != "/orders" or (said.status == 200 and scope != "a")
        return Said(status=403) if refused else said

    cases = ("path-bypass", "string-scope", "wrong-status")
    token = issuer.make_token(scopes=["a"])
    report = await attack(Api(alters(sound, firewall)), issuer, *cases, token=token)
    wrong = alters(sound, lambda _, said: Said(status=403) if said.status == 401 else said)
    assert set(verdicts(report).values()) == {Verdict.SOUND}
    assert flaws(await attack(Api(wrong), issuer, "wrong-status")) == {"wrong-status"}


async def test_a_public_route_that_somebody_named_is_a_flaw(issuer: TestIssuer) -> None:
    """And of that route nothing else is said, while the other one is attacked as ever."""

    def public(asked: Asked, said: Said) -> Said:
        return Said(status=200, body="{}") if asked.path == "/public" else said

    report = await attack(Api(alters(takes(issuer), public)), issuer, routes=["GET /public", "GET /orders"])
    assert flaws(report) == {"missing-check"}
    said = {result.case.id for result in report.results if result.place == "GET /public"}
    assert said == {"missing-check", "leaks-token"}
    assert [baseline.standing for baseline in report.baselines] == [Standing.OPEN, Standing.GUARDED]


async def test_a_key_that_is_not_the_issuers_is_put_aside(issuer: TestIssuer) -> None:
    """Every token that it signs would be refused, and everything would look sound."""
    other = signer_of(TestIssuer().signing_key)
    report = await attack(Api(takes(issuer)), issuer, "expired", "alg-none", signer=other)
    assert verdicts(report) == {"expired": Verdict.NOT_PLAYED, "alg-none": Verdict.SOUND}
    assert "put aside" in report.results[0].because


async def test_an_opaque_token_is_attacked_where_that_makes_sense(issuer: TestIssuer) -> None:
    """Its place in the request, and the routes; of forgeries there is nothing to forge."""

    def answer(asked: Asked) -> Said:
        good = asked.token == "an-opaque-token-of-27-chars" and asked.path == "/orders"
        return Said(status=200) if good else Said(status=401, headers=CHALLENGE)

    report = await attack(Api(answer), issuer, token="an-opaque-token-of-27-chars", signer=None)
    by_need = {result.case.need: result.verdict for result in report.results}
    assert by_need[Need.TOKEN] is Verdict.SOUND
    assert by_need[Need.JWT] is by_need[Need.KEY] is by_need[Need.PUBLIC_KEY] is Verdict.NOT_PLAYED


async def test_without_token_and_key_the_routes_are_still_tried(issuer: TestIssuer) -> None:
    """What needs nothing is played."""
    report = await attack(
        Api(takes(issuer)), issuer, "missing-check", "path-bypass", "alg-none", token=None, signer=None
    )
    assert verdicts(report) == {
        "missing-check": Verdict.SOUND,
        "path-bypass": Verdict.SOUND,
        "alg-none": Verdict.NOT_PLAYED,
    }


async def test_a_cookie_that_the_good_token_brings_is_not_kept(issuer: TestIssuer) -> None:
    """Else the next request would be served by its session, and look as if it needed no token."""

    def remember(asked: Asked, said: Said) -> Said:
        if any(name == "cookie" for name, _ in asked.headers):
            return Said(status=200, body='{"orders": []}')
        return Said(status=said.status, headers={**said.headers, "Set-Cookie": "session=1; Path=/"}, body=said.body)

    assert flaws(await attack(Api(alters(takes(issuer), remember)), issuer, "missing-check", "alg-none")) == set()


async def test_a_flaw_hides_what_it_contains(issuer: TestIssuer) -> None:
    """Where nothing is verified, one finding says it; the others are named as not played, with the reason."""

    def believe(asked: Asked, said: Said) -> Said:
        return Said(status=200, body='{"orders": []}') if asked.token.count(".") == 2 else said

    report = await attack(Api(alters(takes(issuer), believe)), issuer, "any-signature", "alg-none", "embedded-jwk")
    assert flaws(report) == {"any-signature"}
    assert {"any-signature" in result.because for result in report.results[1:]} == {True}


async def test_nothing_that_is_reported_holds_a_token(issuer: TestIssuer) -> None:
    """Not even of a target that repeats each token in its body, its headers and where it sends people to (A57)."""
    key = issuer.make_token()

    def repeat(asked: Asked, said: Said) -> Said:
        everything = " ".join(value for _, value in asked.headers) + asked.query
        headers = {**said.headers, "X-Said": everything, "Location": f"/login?next={asked.path}?{everything}"}
        return Said(status=said.status, headers=headers, body=json.dumps({"error": everything}))

    api = Api(alters(takes(issuer), repeat))
    report = await attack(api, issuer, routes=["GET /orders", f"GET /orders?access_token={key}"])
    shown = json.dumps(to_json(report)) + to_html(report)
    sent = {value for asked in api.asked for name, value in asked.headers if name == "authorization"}
    pieces = {piece for value in (*sent, key) for piece in value.replace(".", " ").split() if len(piece) > 30}
    assert "leaks-token" in flaws(report)
    assert len(pieces) > 200
    assert [piece for piece in pieces if piece in shown] == []


async def test_a_url_in_a_token_is_noticed_when_it_is_fetched(issuer: TestIssuer) -> None:
    """Although the token is refused: the request from inside is the flaw (A09)."""

    def fetch(asked: Asked, said: Said) -> Said:
        url = read_token(asked.token)[0].get("jku")
        if isinstance(url, str):
            place = urlsplit(url)
            socket.create_connection((place.hostname or "", place.port or 0), timeout=5).close()
        return said

    report = await attack(Api(alters(takes(issuer), fetch)), issuer, "jku-fetch")
    assert flaws(report) == {"jku-fetch"}
    assert [hit.variant for hit in report.flaws[0].hits] == ["a URL in a token was fetched"]


async def test_a_url_in_a_token_is_no_matter_where_nobody_listens(issuer: TestIssuer) -> None:
    """Whether it was fetched can't be seen then: that is not called sound."""
    report = await attack(Api(takes(issuer)), issuer, "jku-fetch", canary="closed")
    assert verdicts(report) == {"jku-fetch": Verdict.NOT_PLAYED}
    assert "--listen" in report.results[0].because


async def test_a_crash_is_not_excluded_where_no_hostile_token_was_sent(issuer: TestIssuer) -> None:
    """The ordinary requests alone say nothing of it."""
    assert verdicts(await attack(Api(takes(issuer)), issuer, "crash")) == {"crash": Verdict.NOT_PLAYED}


@pytest.mark.parametrize(("leeway", "found"), [(300, set()), (1800, {"expired"})])
async def test_half_an_hour_of_leeway_is_a_flaw(issuer: TestIssuer, leeway: int, found: set[str]) -> None:
    """Five minutes, which a framework may have by default, are not told."""
    assert flaws(await attack(Api(by_pyjwt(issuer, leeway=leeway)), issuer, "expired")) == found


async def test_a_time_that_is_written_as_a_text_is_no_flaw_if_it_passes(issuer: TestIssuer) -> None:
    """PyJWT makes a number of it: such a token ends like any other. One that is compared as a text does not."""
    sound = by_pyjwt(issuer)

    def as_text(asked: Asked, said: Said) -> Said:
        end = read_token(asked.token)[1].get("exp")
        alive = isinstance(end, str) and end > str(int(time.time()))
        return Said(status=200, body='{"orders": []}') if alive else said

    assert flaws(await attack(Api(sound), issuer, "nan-expiry")) == set()
    report = await attack(Api(alters(sound, as_text)), issuer, "nan-expiry")
    assert "a text of digits" in {hit.variant for hit in report.flaws[0].hits}


async def test_a_flaw_is_told_with_all_its_places_together(issuer: TestIssuer) -> None:
    """The worst first, whatever was played first."""

    def answer(asked: Asked) -> Said:
        if not asked.token or asked.token.count(".") != 2:
            return Said(status=401)
        return Said(status=200, body='{"orders": []}')

    routes = ["GET /orders", "GET /more"]
    report = await attack(Api(answer), issuer, "no-challenge", "any-signature", "expired", routes=routes)
    told = [(result.case.id, result.place) for result in report.flaws]
    assert told == [(case, route) for case in ("any-signature", "expired", "no-challenge") for route in routes]


def test_every_id_of_the_catalogue_is_known() -> None:
    """A user names cases by them; they stay."""
    assert len(BY_ID) == len(CASES) == 48


def by_pyjwt(issuer: TestIssuer, *, leeway: float = 0) -> Answers:
    """Return the answers of an API that verifies with PyJWT, as its manual says."""
    (jwk,) = issuer.jwks["keys"]
    key = jwt.PyJWK(jwk)

    def answer(asked: Asked) -> Said:
        try:
            jwt.decode(asked.token, key, [jwk["alg"]], audience=AUDIENCE, issuer=ISSUER, leeway=leeway)
        except jwt.PyJWTError:
            return Said(status=401, headers=CHALLENGE)
        return Said(status=200, body='{"orders": []}')

    return answer


def _by_token(api: Api) -> dict[str, list[Asked]]:
    found: dict[str, list[Asked]] = {}
    for asked in api.asked:
        if asked.token.endswith("."):
            found.setdefault(asked.token, []).append(asked)
    return found
