"""The verdict on one token: the rules of RFC 9068, what was seen before, and what has been revoked since.

:class:`Verifier` uses it with the keys it fetched; the authorization server, with its own. No network, no clock.
"""

from typing import Final, Protocol

from keyturn.errors import InvalidToken, InvalidTokenReason, TokenExpired
from keyturn.tokens import access_token
from keyturn.tokens.access_token import AccessToken, Expected
from keyturn.tokens.jws import MAX_TOKEN_BYTES, FindKey
from keyturn.verify.token_cache import TokenCache


class RevocationCheck(Protocol):
    """Whatever knows what is revoked: :class:`keyturn.tokens.revocation.RevocationView`, or your own."""

    def revokes(self, token: AccessToken, now: float) -> bool:
        """Say whether *token* is revoked at *now*, in epoch seconds."""
        ...


class TokenChecker:
    """Verifies tokens of one issuer, and does not verify a signature twice. Free for any number of threads."""

    __slots__ = ("_cache", "_revocations", "expected")

    def __init__(
        self,
        expected: Expected,
        *,
        revocations: RevocationCheck | None = None,
        cache: TokenCache | None = None,
    ) -> None:
        """Take what *expected* describes.

        Args:
            expected: issuer, audiences, algorithms and leeway.
            revocations: what is revoked; None only where nothing ever is.
            cache: where verified tokens are kept; None makes one of the default size.

        """
        self.expected: Final = expected
        self._revocations: Final = revocations
        self._cache: Final = TokenCache() if cache is None else cache

    def check(self, text: str, find_key: FindKey, now: float) -> AccessToken:
        """Return the access token in *text*.

        Args:
            text: the token as it was sent.
            find_key: returns the key that a ``kid`` names now, or None. A cached token too is good only as long
                as this returns the key that signed it.
            now: the time, in epoch seconds.

        Raises:
            TokenExpired: its time is over.
            InvalidToken: anything else is wrong with it.

        """
        token = self._seen(text, find_key, now)
        if token is None:
            token = access_token.verify(text, find_key=find_key, expected=self.expected, now=now)
            self._cache.add(text, token)
        if self._revocations is not None and self._revocations.revokes(token, now):
            raise InvalidToken(InvalidTokenReason.REVOKED)
        return token

    def check_revoked(self, token: AccessToken, now: float) -> None:
        """Let *token*, which :meth:`check` has returned, pass once more at *now*, in epoch seconds.

        Raises:
            InvalidToken: it is revoked.

        """
        if self._revocations is not None and self._revocations.revokes(token, now):
            raise InvalidToken(InvalidTokenReason.REVOKED)

    def _seen(self, text: str, find_key: FindKey, now: float) -> AccessToken | None:
        if type(text) is not str or len(text) > MAX_TOKEN_BYTES:  # a look-up reads all of it
            return None
        token = self._cache.find(text)
        if token is None:
            return None
        current = find_key(token.kid)
        if current is None or (current is not token.key and current != token.key):
            self._cache.discard(text)
            return None
        try:
            access_token.still_valid(token, expected=self.expected, now=now)
        except TokenExpired:
            self._cache.discard(text)
            raise
        return token
