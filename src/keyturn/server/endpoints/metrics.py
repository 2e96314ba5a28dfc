"""``GET /metrics``: the counters, in the text format of Prometheus, for this machine and whoever may see them."""

from typing import Final
from urllib.parse import urlsplit

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response

from keyturn.core.addresses import Address
from keyturn.errors import Forbidden
from keyturn.server.exchange import state_of
from keyturn.server.reading.client_address import certain_address, is_in, networks
from keyturn.server.settings import Settings
from keyturn.verify.locations import is_loopback


async def get(request: Request) -> Response:
    """Answer with the counters.

    Raises:
        Forbidden: the peer is neither on this machine nor in ``server.metrics_from``.

    """
    state = state_of(request)
    if not _may_see(request, state.settings):
        raise Forbidden("metrics", sentence="Metrics are for this machine and the networks in server.metrics_from.")
    headers = {"Cache-Control": "no-store", "Content-Type": CONTENT_TYPE_LATEST}
    return Response(generate_latest(state.metrics.registry), headers=headers)


def _may_see(request: Request, settings: Settings) -> bool:
    peer = _peer(request, settings)
    if peer is None:
        return False
    if is_in(peer, networks(settings.server.metrics_from)):
        return True
    return peer.is_loopback and not _was_forwarded(request) and _is_asked_by_our_name(request, settings)


def _peer(request: Request, settings: Settings) -> Address | None:
    """Return whose request it is; None where that is in doubt."""
    return certain_address(
        request.client.host if request.client else "",
        forwarded_for=request.headers.getlist("x-forwarded-for"),
        forwarded=request.headers.getlist("forwarded"),
        trusted_proxies=networks(settings.server.trusted_proxies),
    )


def _was_forwarded(request: Request) -> bool:
    """Say whether a proxy on this machine that nobody named passes on a stranger's request as its own.

    Many say so by another header than the two that name the stranger: which host, which scheme, or just that they did.
    """
    return any(name in _FORWARDING or name.startswith("x-forwarded-") for name in request.headers)


def _is_asked_by_our_name(request: Request, settings: Settings) -> bool:
    """Say whether Host is a name of ours.

    A stranger's page in a browser on this machine can have its own name lead here (DNS rebinding), and would read
    what it is answered.
    """
    hosts = request.headers.getlist("host")
    name = _host_name(hosts[0]) if len(hosts) == 1 else ""
    return is_loopback(name) or (name != "" and name == urlsplit(settings.issuer).hostname)


def _host_name(host: str) -> str:
    """Return the name in a Host header without its port; nothing if it can't be read."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


_FORWARDING: Final = frozenset(
    {"forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "true-client-ip", "cf-connecting-ip"}
)
