"""One request and its answer, as all of the server sees them: who asks, when, and under which id."""

from dataclasses import dataclass
from typing import cast

from starlette.requests import Request
from starlette.types import Scope

from keyturn.core.model import Device, Origin
from keyturn.server.reading.user_agent import families
from keyturn.server.state import ServerState


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """What the middleware found out about a request before any endpoint saw it.

    Attributes:
        request_id: stands in the answer, in the log and in the audit log.
        address: whom the request counts against; empty where there is no address.

    """

    request_id: str
    address: str


def begin(scope: Scope, exchange: Exchange) -> None:
    """Keep *exchange* with the request."""
    scope[_KEY] = exchange


def exchange_of(scope: Scope) -> Exchange:
    """Return what `begin` kept."""
    return cast("Exchange", scope[_KEY])


def state_of(request: Request) -> ServerState:
    """Return the server that answers the request."""
    return cast("ServerState", request.app.state.keyturn)


def device_of(request: Request) -> Device:
    """Return what the request tells about the machine it comes from. The rules fill in the network."""
    browser, system = families(request.headers.get("user-agent", ""))
    return Device(browser=browser, os=system, address="")


def origin_of(request: Request) -> Origin:
    """Return where the request came from, for the audit log."""
    exchange = exchange_of(request.scope)
    browser, _ = families(request.headers.get("user-agent", ""))
    return Origin(address=exchange.address, browser=browser, request_id=exchange.request_id)


_KEY = "keyturn.exchange"
