"""Tokens that are good for one use: whoever inserts the row has used the token, nobody else."""

from keyturn.store.sql.script import Connection, Script

USE = """
INSERT INTO used_tokens (digest, expires_at) VALUES (:digest, :expires_at)
ON CONFLICT (digest) DO UPDATE SET expires_at = :expires_at WHERE used_tokens.expires_at <= :now
RETURNING digest
"""

PRUNE = """
DELETE FROM used_tokens
WHERE digest IN (SELECT digest FROM used_tokens WHERE expires_at <= :now ORDER BY expires_at LIMIT :most)
RETURNING digest
"""


class SqlUsedTokens:
    """`core.ports.UsedTokens` in SQL."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def use(self, digest: bytes, expires_at: int, now: int) -> bool:
        """Note the use of the token with this *digest* until its ``expires_at``; False if it was used before."""
        return await self._connection.write_singly(use, digest, expires_at, now)

    async def prune(self, now: int, most: int) -> int:
        """Delete up to *most* names past their ``expires_at``; return how many."""
        return await self._connection.write(_prune, now, most)


def use(digest: bytes, expires_at: int, now: int) -> Script[bool]:
    """Note the use, as a part of any step; False if there was one before."""
    used = yield USE, {"digest": digest, "expires_at": expires_at, "now": now}
    return bool(used)


def _prune(now: int, most: int) -> Script[int]:
    rows = yield PRUNE, {"now": now, "most": most}
    return len(rows)
