"""An API of one function, from what was asked to what is answered, which keeps every request; and attacks on it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from keyturn.attack.arms import Arms
from keyturn.attack.budget import Budget
from keyturn.attack.campaign import begun
from keyturn.attack.cases import BY_ID, CASES
from keyturn.attack.material import Material
from keyturn.attack.model import Route, Verdict
from keyturn.attack.results import Report
from keyturn.attack.routes import parse_route
from keyturn.attack.target import IN_PROCESS, Target, signer_of
from keyturn.errors import InvalidToken
from keyturn.testing import TestIssuer
from keyturn.tokens.keys import SigningKey

ISSUER: Final = "https://auth.example.com"
AUDIENCE: Final = "https://api.example.com"
ROUTE: Final = Route(method="GET", path="/orders")
NOW: Final = 1_800_000_000

CHALLENGE: Final = {"WWW-Authenticate": "Bearer"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request."""

    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]

    @property
    def token(self) -> str:
        """The bearer token of the one Authorization header, or nothing."""
        values = [value for name, value in self.headers if name == "authorization"]
        scheme, _, token = values[0].partition(" ") if len(values) == 1 else ("", "", "")
        return token if scheme.lower() == "bearer" else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An answer."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: str = "{}"


Answers = Callable[[Asked], Said]


class Api:
    """The app."""

    def __init__(self, answer: Answers) -> None:
        self._answer = answer
        self.asked: list[Asked] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request; there is no lifespan."""
        if scope["type"] != "http":
            raise NotImplementedError
        headers = tuple((name.decode(), value.decode("latin-1")) for name, value in scope["headers"])
        path = scope.get("raw_path", scope["path"].encode()).decode().partition("?")[0]
        asked = Asked(method=scope["method"], path=path, query=scope["query_string"].decode(), headers=headers)
        self.asked.append(asked)
        said = self._answer(asked)
        pairs = [(name.lower().encode(), value.encode("latin-1")) for name, value in said.headers.items()]
        start = {"type": "http.response.start", "status": said.status}
        await send({**start, "headers": [(b"content-type", b"application/json"), *pairs]})
        await send({"type": "http.response.body", "body": b"" if asked.method == "HEAD" else said.body.encode()})


def takes(issuer: TestIssuer) -> Answers:
    """Return the answers of an API that verifies with our SDK, at ``/orders`` alone."""
    verifier = issuer.verifier()

    def answer(asked: Asked) -> Said:
        if asked.path != "/orders" or asked.method not in {"GET", "HEAD"}:
            return Said(status=404)
        if not asked.token:
            return Said(status=401, headers=CHALLENGE)
        try:
            verifier.verify(asked.token)
        except InvalidToken:
            return Said(status=401, headers=CHALLENGE)
        return Said(status=200, body='{"orders": []}')

    return answer


async def attack(
    api: Api,
    issuer: TestIssuer,
    *only: str,
    routes: Iterable[str | Route] = ("GET /orders",),
    max_requests: int = 2000,
    bound: float = 1,
    canary: Literal["closed", "listening"] = "listening",
    **changes: Any,
) -> Report:
    """Attack *api* with the cases *only*, or all."""
    parts = {"token": issuer.make_token(), "signer": signer_of(issuer.signing_key), **changes}
    target = Target(
        url=IN_PROCESS,
        app=api,
        routes=tuple(parse_route(route) if isinstance(route, str) else route for route in routes),
        public_keys=tuple(issuer.jwks["keys"]),
        **parts,
    )
    cases = tuple(BY_ID[name] for name in only) or CASES
    budget = Budget(["app.test"], max_requests=max_requests)
    async with begun(target, budget, canary=canary, revocation_bound=bound) as campaign:
        return await campaign.run(cases)


def flaws(report: Report) -> set[str]:
    """Return the ids of the flaws."""
    return {result.case.id for result in report.flaws}


def verdicts(report: Report) -> dict[str, Verdict]:
    """Return the verdict of each case, at the one route that there is."""
    return {result.case.id: result.verdict for result in report.results}


def material(key: SigningKey, token: str, *, now: int = NOW) -> Material:
    """Return what shots are made of where the issuer's *key* and a *token* were handed over."""
    target = Target(
        url=IN_PROCESS,
        routes=(ROUTE,),
        token=token,
        signer=signer_of(key),
        public_keys=(key.public.to_jwk(),),
    )
    return Arms(target, clock=lambda: now).material(ROUTE)
