"""What PyJWT raises is caught; the ``KeyError`` of an unknown ``kid`` is not: a stranger makes errors of the server.

RFC 7515 §5.2; CWE-755: alarms at night, a worker that dies, a stack trace for the stranger. Rightly: whatever goes
wrong while a token is read is a refusal.
"""

import jwt
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from broken_apis import orders, rightly
from broken_apis.issuer import Claims, Issuer


def refuse(request: Request, error: Exception) -> Response:
    """Answer a request whose token is no good."""
    if isinstance(error, jwt.InvalidTokenError | rightly.Refused | orders.NoToken | orders.Malformed):
        return orders.refuse(request, error)
    raise error  # the mistake


def build(issuer: Issuer) -> Starlette:
    """Return the API."""
    keys = {issuer.kid: issuer.public_key}

    def verify(token: str) -> Claims:
        header = jwt.get_unverified_header(token)
        key = keys[header["kid"]]
        rightly.check_form(token)
        rightly.check_kind(token)
        claims = jwt.decode(
            token,
            key,
            algorithms=[issuer.algorithm],
            audience=issuer.audience,
            issuer=issuer.url,
            options={"require": rightly.REQUIRED},
        )
        return rightly.check_times(claims)

    return orders.orders_api(verify, refuse=refuse)
