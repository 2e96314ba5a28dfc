"""Access tokens of an issuer in memory, as an API would see them, all different."""

from keyturn.testing import TestIssuer
from keyturn.tokens.revocation import RevocationEntry, RevocationKind, RevocationView, digest

ISSUER = "https://auth.example.com"
AUDIENCE = "https://api.example.com"

#: A time that no entry of these views reaches while they are measured, in epoch seconds.
FAR = 2**40


def issuer_of(algorithm: str) -> TestIssuer:
    """Return an issuer that signs with *algorithm*."""
    return TestIssuer(ISSUER, AUDIENCE, algorithm=algorithm)


def make_tokens(issuer: TestIssuer, number: int) -> list[str]:
    """Return *number* tokens of as many users, good for an hour."""
    return [
        issuer.make_token(scopes=["orders:read", "orders:write"], roles=["user"], expires_in=3600)
        for _ in range(number)
    ]


def revoked_sessions(number: int) -> RevocationView:
    """Return a view in which *number* sessions are revoked, none of them one that is measured."""
    view = RevocationView()
    for seq in range(1, number + 1):
        named = digest(RevocationKind.SID, f"session {seq}")
        view.add(RevocationEntry(seq=seq, kind=RevocationKind.SID, digest=named, before=None, expires_at=FAR))
    return view
