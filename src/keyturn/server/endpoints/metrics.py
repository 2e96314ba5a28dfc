"""``GET /metrics``: the counters, in the text format of Prometheus, for this machine and whoever may see them."""

from ipaddress import ip_address

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response

from keyturn.errors import Forbidden
from keyturn.server.client_address import is_in, networks
from keyturn.server.exchange import exchange_of, state_of


async def get(request: Request) -> Response:
    """Answer with the counters.

    Raises:
        Forbidden: the peer is neither on this machine nor in ``server.metrics_from``.

    """
    state = state_of(request)
    if not _may_see(request, state.settings.server.metrics_from):
        raise Forbidden("metrics", sentence="Metrics are for this machine and the networks in server.metrics_from.")
    headers = {"Cache-Control": "no-store", "Content-Type": CONTENT_TYPE_LATEST}
    return Response(generate_latest(state.metrics.registry), headers=headers)


def _may_see(request: Request, allowed: tuple[str, ...]) -> bool:
    try:
        peer = ip_address(exchange_of(request.scope).address)
    except ValueError:
        return False
    if is_in(peer, networks(allowed)):
        return True
    return peer.is_loopback and not _was_forwarded(request)


def _was_forwarded(request: Request) -> bool:
    """Say whether a proxy on this machine that nobody named passes on a stranger's request as its own."""
    return any(name in request.headers for name in ("x-forwarded-for", "forwarded", "x-real-ip"))
