"""``keyturn attack`` finds the one flaw of each broken example API, and none in the sound ones, however odd they are.

Each target is a real server on a port of its own, watched from inside: it says itself how many requests came, and
which tokens, none of which may be in anything that comes out of an attack (A01 to A30 of the user's own API).
"""

import asyncio
from pathlib import Path
from typing import Final

import httpx2
import pytest
from attacked import (
    ADMIN,
    BOTH,
    ORDERS,
    Watched,
    account_at,
    api,
    attack,
    attack_issuer,
    check_silence,
    expected_of,
    found_by,
    inapplicable_to,
    outputs_of,
    signer_for,
    watched,
)

from broken_apis import target as targets
from keyturn.attack.cases import BY_ID, CASES
from keyturn.attack.material import Signer
from keyturn.attack.model import Need, Verdict
from keyturn.attack.results import Report
from keyturn.attack.target import Account, signer_of
from server import PASSWORD, Installation, beside, install, serving

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning"),  # what is wrong is meant to be
    pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning"),
]

NAMES: Final = targets.names()
ISSUERS: Final = [name for name in NAMES if name.startswith("issuers/")]
SOUND: Final = [name for name in NAMES if name.startswith("sound/")]
ODD: Final = [name for name in NAMES if name.startswith("odd/") and name != "odd/hostile"]  # that is for the command
BROKEN: Final = [name for name in NAMES if "/" not in name]

#: Flaws that show at the route for administrators alone.
AT_ADMIN: Final = {"missing-check", "role-confusion"}

#: What is asked of an issuer alone.
AT_ISSUERS: Final = {case.id for case in CASES if case.need in {Need.ISSUER, Need.REVOCATION}}

#: Our ``/me`` asks for no scope and no role.
NOT_ASKED_BY_ME: Final = {"string-scope", "role-confusion"}


@pytest.mark.parametrize("name", BROKEN)
def test_the_flaw_of_each_broken_api_is_found_and_no_other(name: str) -> None:
    """One flaw, one finding: neither is it missed, nor are others seen in it; and no token is in what is said."""
    with watched(name) as target:
        report = attack(api(target, ADMIN if name in AT_ADMIN else ORDERS))

    assert found_by(report) == expected_of(name)
    _check_manners(target, report)


@pytest.mark.parametrize("name", SOUND)
def test_nothing_is_found_in_a_sound_api(name: str) -> None:
    """An API made with our adapters, and one made with PyJWT used rightly: each case is played, and each refused."""
    with watched(name) as target:
        report = attack(api(target, *BOTH))

    assert found_by(report) == set()
    assert [result for result in report.results if result.verdict is Verdict.INCONCLUSIVE] == []
    played = {result.case.id for result in report.results if result.verdict is Verdict.SOUND}
    assert BY_ID.keys() - played == AT_ISSUERS | inapplicable_to(name)
    _check_manners(target, report)


@pytest.mark.parametrize("name", ODD)
def test_nothing_false_is_said_of_an_odd_api(name: str) -> None:
    """An API that refuses in its own way is not taken for a broken one: what is not clear is not called a flaw."""
    with watched(name) as target:
        report = attack(api(target, ORDERS))

    assert found_by(report) == expected_of(name)
    _check_manners(target, report)


@pytest.mark.parametrize("name", ISSUERS)
def test_the_flaw_of_each_broken_issuer_is_found_and_no_other(name: str) -> None:
    """With an account of its own, an issuer is asked for rotation, replay, CSRF, limits and revocation."""
    with watched(name) as target:
        report = attack_issuer(account_at(target.url), signer_for(target.issuer))

    assert found_by(report) == expected_of(name)
    _check_manners(target, report)


def test_nothing_is_found_in_our_own_server(tmp_path: Path) -> None:
    """A real ``keyturn serve``, whose signing key and an account are handed over: API and issuer are sound."""
    installation = install(tmp_path, KEYTURN_RATE_LIMIT_LOGIN_PER_IP="5/1m")
    signer = asyncio.run(_with_a_user(installation))
    with serving(installation):
        account = Account(issuer=installation.issuer, username="ada", password=PASSWORD)
        report = attack_issuer(account, signer)

    assert found_by(report) == set()
    verdicts = {result.case.id: result.verdict for result in report.results}
    assert {case_id for case_id, verdict in verdicts.items() if verdict is not Verdict.SOUND} == NOT_ASKED_BY_ME
    assert all(part not in text for text in outputs_of(report) for part in (PASSWORD, "ktr_"))


def test_the_search_for_tokens_finds_one() -> None:
    """What the silence is held by can fail: a token is found in a text, and so are its claims and its signature."""
    with watched("sound/pyjwt") as target:
        token = target.issuer.token()
        assert httpx2.get(f"{target.url}/orders", headers={"Authorization": f"Bearer {token}"}).status_code == 200

    header, claims, signature = token.split(".")
    for part in (token, claims, signature):
        assert target.witness.found_in(f"it said {part}!")
    assert not target.witness.found_in(f"it said {header}!")


def test_every_flaw_has_a_broken_example() -> None:
    """No case is without a target that has the flaw, and no example is of a flaw that nobody looks for."""
    assert set().union(*(expected_of(name) for name in [*BROKEN, *ISSUERS])) == BY_ID.keys()


async def _with_a_user(installation: Installation) -> Signer:
    """Add the user ``ada``, and return the key that the server will sign with."""
    async with beside(installation) as opened:
        await opened.add_users("ada")
        return signer_of(opened.services.keyring.signing_key())


def _check_manners(target: Watched, report: Report) -> None:
    assert target.witness.requests <= report.sent <= report.max_requests
    check_silence(target.witness, *outputs_of(report))
