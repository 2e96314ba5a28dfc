"""The bearer token of a request to the server itself (RFC 6750 §2.1), judged by all that is revoked up to now.

An API that was handed a token can't turn it against the account: what changes the account asks for a token whose
audience is the issuer.
"""

from starlette.requests import Request

from keyturn.errors import InvalidToken, InvalidTokenReason
from keyturn.server.exchange import state_of
from keyturn.tokens import access_token
from keyturn.tokens.access_token import AccessToken
from keyturn.verify.bearer import parse_authorization


async def authenticate(request: Request, *, now_ms: int) -> AccessToken:
    """Return the access token of the request, for any configured audience or the issuer.

    Raises:
        MissingToken: there is none.
        InvalidRequest: the Authorization header is malformed or there twice.
        InvalidToken: the token is forged, expired, revoked or somebody else's.
        TemporarilyUnavailable: what is revoked can't be read.

    """
    text = parse_authorization(request.headers.getlist("authorization"))
    state = state_of(request)
    await state.services.denylist.catch_up()
    return state.checker.check(text, state.services.keyring.find, now_ms / 1000)


async def authenticate_for_issuer(request: Request, *, now_ms: int) -> AccessToken:
    """Return the access token of the request, if it is for the issuer itself.

    Raises:
        MissingToken: there is none.
        InvalidRequest: the Authorization header is malformed or there twice.
        InvalidToken: anything else is wrong with it, its audience included.
        TemporarilyUnavailable: what is revoked can't be read.

    """
    token = await authenticate(request, now_ms=now_ms)
    if token.audience != (state_of(request).services.policy.issuer,):
        raise InvalidToken(InvalidTokenReason.WRONG_AUDIENCE)
    return token


def verify_expired_too(request: Request, text: str, *, now_ms: int) -> AccessToken:
    """Return the access token *text*, even if it has expired: whoever logs out may come late.

    Raises:
        InvalidToken: it is not one of ours.

    """
    state = state_of(request)
    find_key = state.services.keyring.find
    return access_token.verify_expired_too(text, find_key=find_key, expected=state.checker.expected, now=now_ms / 1000)
