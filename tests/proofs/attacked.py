"""Attacks on the example APIs: each is served for real and watched, and what comes out is searched for tokens."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from witness import Witness

from broken_apis import login_server
from broken_apis.handing_over import attack_command
from broken_apis.issuer import Issuer
from broken_apis.serving import Served, serving
from broken_apis.target import load
from keyturn.attack.budget import MAX_REQUESTS, Budget, host_of
from keyturn.attack.campaign import begun
from keyturn.attack.case import Case
from keyturn.attack.cases import CASES
from keyturn.attack.issuer import log_in, revoke_session
from keyturn.attack.keyfile import read_signer
from keyturn.attack.material import Signer
from keyturn.attack.page import to_html
from keyturn.attack.probe import Probe
from keyturn.attack.report import to_json
from keyturn.attack.results import Report
from keyturn.attack.routes import parse_route
from keyturn.attack.target import Account, Target

EXAMPLES: Final = Path(__file__).parents[2] / "examples"
ORDERS: Final = "GET /orders"
ADMIN: Final = "GET /admin"
REVOCATION_BOUND: Final = 0.5
BOTH: Final = (ORDERS, ADMIN)

INAPPLICABLE: Final = {
    "RS256": {"psychic-signature"},
    "HS256": {"psychic-signature", "alg-confusion"},
}

#: What is rightly said of an API that is odd: this one answers 403 where it should be 401.
STATED: Final = {"odd/forbidden": {"wrong-status"}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A target that answers, and who watches it."""

    served: Served
    witness: Witness

    @property
    def url(self) -> str:
        """Where."""
        return self.served.url

    @property
    def issuer(self) -> Issuer:
        """Who signs tokens for it."""
        return self.served.target.issuer

    @property
    def flaw(self) -> str | None:
        """What is to be found, if anything."""
        return self.served.target.flaw

    def command(self, folder: Path) -> list[str]:
        """Return the command that attacks it, as the examples print it."""
        return attack_command(self.served, folder)


@contextmanager
def watched(name: str) -> Iterator[Watched]:
    """Serve the example *name* as long as the ``with`` runs."""
    witness = Witness()
    with serving(name, around=witness.around) as served:
        yield Watched(served=served, witness=witness)


def api(target: Watched, *routes: str) -> Target:
    """Return an API with all that a user may hand over for it: a token, the signing key and the public keys."""
    issuer = target.issuer
    return Target(
        url=target.url,
        routes=tuple(map(parse_route, routes)),
        token=issuer.token(),
        signer=signer_for(issuer),
        public_keys=() if isinstance(issuer.key, bytes) else (issuer.public_jwk,),
    )


def account_at(url: str) -> Account:
    """Return the account that there is at each login server of the examples."""
    return Account(issuer=url, username=login_server.USERNAME, password=login_server.PASSWORD)


def attack(target: Target, *, cases: Sequence[Case] = CASES, max_requests: int = MAX_REQUESTS) -> Report:
    """Return what comes of all *cases*."""
    budget = Budget([host_of(target.url)], max_requests=max_requests)

    async def run() -> Report:
        async with begun(target, budget, canary="listening", revocation_bound=REVOCATION_BOUND) as campaign:
            return await campaign.run(cases)

    return asyncio.run(run())


def attack_issuer(account: Account, signer: Signer, *, cases: Sequence[Case] = CASES) -> Report:
    """Return what comes of all *cases* at an issuer, its ``/me`` included, whose signing key is handed over too."""
    budget = Budget([host_of(account.issuer)])

    async def run() -> Report:
        probe = Probe(budget)

        async def revoke(token: str) -> None:
            await revoke_session(probe, account.issuer, token)

        token = await log_in(probe, account)
        routes = (parse_route("GET /me"),)
        target = Target(url=account.issuer, routes=routes, token=token, signer=signer, account=account, revoke=revoke)
        try:
            async with begun(target, budget, canary="listening", revocation_bound=REVOCATION_BOUND) as campaign:
                return await campaign.run(cases)
        finally:
            await probe.close()

    return asyncio.run(run())


def signer_for(issuer: Issuer) -> Signer:
    """Return the signing key of an example's issuer, read as from the file that a user hands over."""
    return read_signer(json.dumps(issuer.private_jwk).encode())


def expected_of(name: str) -> set[str]:
    """Return the flaws that the example *name* has: its own, or, of a sound one, what is rightly said of it."""
    flaw = load(name, "http://127.0.0.1:1").flaw
    return {flaw} if flaw else STATED.get(name, set())


def inapplicable_to(name: str) -> set[str]:
    """Return the flaws that nothing can have whose signatures are of the kind of those of the example *name*."""
    return INAPPLICABLE.get(load(name, "http://127.0.0.1:1").issuer.algorithm, set())


def found_by(report: Report) -> set[str]:
    """Return the names of the flaws."""
    return {result.case.id for result in report.flaws}


def check_silence(witness: Witness, *outputs: str) -> None:
    """Hold that none of *outputs* has a secret in it that *witness* saw, of which there have to be some."""
    assert witness.secrets
    assert set().union(*map(witness.found_in, outputs)) == set()


def outputs_of(report: Report) -> tuple[str, ...]:
    """Return all that is ever said of *report*."""
    return json.dumps(to_json(report)), to_html(report), repr(report)
