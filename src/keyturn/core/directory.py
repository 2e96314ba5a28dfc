"""Our own user directory, for everybody whose app does not keep its own users."""

from typing import NoReturn

from keyturn.core import password_rules, usernames
from keyturn.core.model import StoredUser, User
from keyturn.core.ports import PasswordHasher, PasswordJudge, Users
from keyturn.errors import InvalidCredentials


class LocalUsers:
    """A `UserDirectory` on a store's `Users`, with argon2id, and with a judge of new passwords."""

    def __init__(self, rows: Users, hasher: PasswordHasher, judge: PasswordJudge) -> None:
        self.rows = rows
        self.hasher = hasher
        self.judge = judge

    async def authenticate(self, username: str, password: str) -> User | None:
        """Return the user whose password this is. An unknown name costs the same hash as a known one.

        Raises:
            InvalidCredentials: it is not; the private reason says why.
            TemporarilyUnavailable: the queue of the hasher is full.

        """
        plain = password_rules.normalise(password)
        found = await self.rows.find_by_name(usernames.normalise(username))
        if found is None:
            await self._refuse_unknown(plain)
        await self._check(found, plain)
        if found.disabled_at is not None:
            raise InvalidCredentials("user_disabled", sub=found.sub)
        if self.hasher.needs_rehash(found.password_hash):
            await self.rows.rehash(found.sub, found.version, await self.hasher.hash(plain))
        return found.as_user()

    async def find(self, sub: str) -> User | None:
        """Return the user as they are now."""
        found = await self.rows.find(sub)
        return None if found is None else found.as_user()

    async def check_password(self, user: StoredUser, password: str) -> None:
        """Return if this is the password of *user*.

        Raises:
            InvalidCredentials: it is not.

        """
        await self._check(user, password_rules.normalise(password))

    async def _check(self, user: StoredUser, plain: str) -> None:
        if not await self.hasher.verify(user.password_hash, plain):
            raise InvalidCredentials("wrong_password", sub=user.sub)

    async def _refuse_unknown(self, plain: str) -> NoReturn:
        await self.hasher.verify_dummy(plain)
        raise InvalidCredentials("unknown_user")
