"""All cases, in the order in which they are played: what covers others goes first, what ends a session last."""

from typing import Final

from keyturn.attack.case import Case
from keyturn.attack.cases import (
    caches,
    claims,
    encodings,
    headers,
    issuers,
    observed,
    requests,
    scopes,
    secrets,
    signatures,
)

CASES: Final[tuple[Case, ...]] = (
    *requests.CASES,
    *signatures.FIRST,
    *caches.CASES,
    *signatures.CASES,
    *secrets.CASES,
    *headers.CASES,
    *claims.CASES,
    *scopes.CASES,
    *encodings.CASES,
    *observed.CASES,
    *issuers.CASES,
)

BY_ID: Final = {case.id: case for case in CASES}
