"""The authorization server's own view of the revocation log, in memory and never behind where it matters.

Whoever is about to rely on it calls `catch_up` first, which reads what was appended since: in this process, in
another one, or by the command line.
"""

from keyturn.core.ports import Revocations
from keyturn.tokens.revocation import RevocationView


class Denylist:
    """A `RevocationView` that follows the log."""

    def __init__(self, log: Revocations) -> None:
        self._log = log
        self.view = RevocationView()

    async def catch_up(self) -> None:
        """Read the entries behind the newest one known."""
        for entry in await self._log.after(self.view.seq):
            self.view.add(entry)

    async def catch_up_to(self, newest: int) -> None:
        """Read on only if the log, as somebody has just seen, goes as far as *newest*."""
        if newest > self.view.seq:
            await self.catch_up()
