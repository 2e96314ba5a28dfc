"""Sessions as a state machine: the real flows beside the model of ``session_model``, on a real SQLite store.

Refreshes, replays, thefts, logouts, changes of password, disabled users, expiry, clocks that are set, restarts and
changes of master key come in whatever order Hypothesis makes up.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from session_model import Limits, ModelSession, ModelUser, Outcome
from world import MEMORY, PEER, UNLIMITED, World

from keyturn.core import keys, passwords, prune, revoke, sessions, users
from keyturn.core.issue import Issued
from keyturn.core.model import Origin, Session
from keyturn.errors import InvalidCredentials, InvalidGrant
from keyturn.tokens import refresh_token
from keyturn.tokens.access_token import AccessToken

OPERATOR = Origin(actor="operator")
LIMITS = Limits(lifetime=UNLIMITED.refresh_lifetime, idle=UNLIMITED.refresh_idle, grace_ms=UNLIMITED.grace_ms)

SET_BACK_MS = 50 * 60_000
"""How far behind its latest time a clock may be set. An access token lives 10 minutes, its revocation 61."""

PICK = st.integers(0, 2**16)
STEPS_MS = st.sampled_from((1, 999, 1_000, 30_000, 59_999, 60_000, 60_001, 600_000, 86_400_000, LIMITS.idle * 1000))


class SessionMachine(RuleBasedStateMachine):
    """The flows beside the model. Each rule does a thing to both; the invariants compare them."""

    done = 0

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="keyturn-machine-", dir=MEMORY))
        self.world = World(self.folder / "keyturn.db")
        self.latest_ms = self.world.now_ms
        self.floor_ms = self.world.now_ms - SET_BACK_MS
        self.users: list[ModelUser] = []
        self.subs: dict[str, str] = {}
        self.sessions: list[ModelSession] = []
        self.sids: dict[ModelSession, str] = {}
        self.device_tokens: dict[ModelSession, str] = {}
        self.access_tokens: list[tuple[ModelSession, AccessToken]] = []

    def teardown(self) -> None:
        """Take every token that is still live once more, then close."""
        try:
            for session in self.sessions:
                if session.is_live(self.now_ms):
                    self.present(session, session.generation)
        finally:
            self.world.close()
            shutil.rmtree(self.folder)

    @property
    def now_ms(self) -> int:
        """The time of the world."""
        return self.world.now_ms

    # --- what happens -----------------------------------------------------------------------------------------

    @initialize()
    def add_users(self) -> None:
        """Two people, so that what is done to one can be seen to spare the other."""
        for name in ("alice", "bob"):
            user = ModelUser(name=name, password=f"first password of {name}")
            adding = users.add_user(
                self.world.services, name, user.password, roles=("user",), origin=OPERATOR, now_ms=self.now_ms
            )
            self.subs[name] = self.world.run(adding).sub
            self.users.append(user)

    @rule(pick=PICK)
    def login(self, pick: int) -> None:
        """Log in; a disabled user is refused."""
        user = self.user(pick)
        if user.disabled:
            with pytest.raises(InvalidCredentials):
                self.world.run(self.world.login(user.name, user.password))
            return
        self.start(user)

    @rule(which=PICK, times=st.integers(1, 4), apart_ms=st.sampled_from((0, 1, 5_000)))
    def refresh(self, which: int, times: int, apart_ms: int) -> None:
        """Present the current token, and the successor, and its successor."""
        session = self.session(which)
        for _ in range(times):
            self.present(session, session.generation)
            self.advance_clock(apart_ms)

    @rule(which=PICK, back=st.sampled_from((1, 1, 1, 2, 2, 9)), same_device=st.booleans())
    def replay(self, which: int, back: int, same_device: bool) -> None:
        """Present a token that the session had before, mostly the last one."""
        session = self.session(which)
        self.present(session, max(1, session.generation - back), same_device=same_device)

    @rule(which=PICK)
    def retry_a_lost_answer(self, which: int) -> None:
        """Refresh, and again with the same token: the answer was lost."""
        session = self.session(which)
        before = session.generation
        self.present(session, before)
        self.present(session, before)

    @rule(which=PICK, later_ms=st.sampled_from((60_001, 600_000)))
    def theft(self, which: int, later_ms: int) -> None:
        """A thief refreshes first, the victim after the grace: both are out."""
        session = self.session(which)
        stolen = session.generation
        self.present(session, stolen)
        self.advance_clock(later_ms)
        self.present(session, stolen)
        self.present(session, session.generation)
        assert session.ended

    @rule(which=PICK, ahead_ms=st.sampled_from((1, 0, -1000)))
    def come_back_late(self, which: int, ahead_ms: int) -> None:
        """Present the current token at the very end of the session, just before it or after it."""
        session = self.session(which)
        ends_at_ms = min(session.expires_at, session.idle_expires_at) * 1000
        self.advance_clock(max(0, ends_at_ms - ahead_ms - self.now_ms))
        self.present(session, session.generation)

    @rule(which=PICK, many=st.integers(2, 6))
    def race(self, which: int, many: int) -> None:
        """Present the current token many times at once: one rotation, the same successor for all."""
        session = self.session(which)
        token = session.tokens[-1]
        outcomes = self.world.run(_at_once([self.world.refresh(token) for _ in range(many)]))
        expected = session.present(session.generation, self.now_ms, same_device=False)
        if expected is Outcome.REFUSED:
            assert all(isinstance(outcome, InvalidGrant) for outcome in outcomes)
            return
        issued = [outcome for outcome in outcomes if isinstance(outcome, Issued)]
        assert len(issued) == many, outcomes
        assert len({one.refresh_token for one in issued}) == 1
        session.tokens.append(issued[0].refresh_token)
        self.keep_access_token(session, issued[-1])

    @rule(which=PICK)
    def refresh_races_logout(self, which: int) -> None:
        """Whichever comes first, the session has ended afterwards and all that was handed out is dead."""
        session = self.session(which)
        token = session.tokens[-1]
        leave = sessions.logout_by_refresh_token(self.world.services, token, origin=PEER, now_ms=self.now_ms)
        outcome, left = self.world.run(_at_once([self.world.refresh(token), leave]))
        assert not isinstance(left, BaseException), left
        if isinstance(outcome, Issued):
            assert session.present(session.generation, self.now_ms, same_device=False) is Outcome.ROTATED
            session.tokens.append(outcome.refresh_token)
            self.keep_access_token(session, outcome)
        session.ended = True

    @rule(which=PICK, how=st.sampled_from(("logout", "revoke", "everywhere")))
    def leave(self, which: int, how: str) -> None:
        """Log out with a token of any generation, revoke it, or end all sessions of the user."""
        session, services = self.session(which), self.world.services
        now_ms, token = self.now_ms, session.tokens[which % session.generation]
        if how == "logout":
            self.world.run(sessions.logout_by_refresh_token(services, token, origin=PEER, now_ms=now_ms))
        elif how == "revoke":
            self.world.run(revoke.revoke_refresh_token(services, token, origin=PEER, now_ms=now_ms))
        else:
            sub = self.subs[session.user.name]
            self.world.run(sessions.logout_everywhere(services, sub, origin=PEER, now_ms=now_ms))
            self.end_all(session.user)
        session.ended = True

    @rule(which=PICK)
    def change_password(self, which: int) -> None:
        """Change the password from within a session: all the others end."""
        session = self.session(which)
        user = session.user
        if user.disabled:
            return
        new = f"{user.password[:20]} {len(self.access_tokens)} {self.done}"
        changing = passwords.change_password(
            self.world.services,
            self.subs[user.name],
            self.sids[session],
            user.password,
            new,
            origin=PEER,
            now_ms=self.now_ms,
        )
        self.world.run(changing)
        user.password = new
        self.end_all(user, but=session)

    @rule(pick=PICK)
    def disable_or_enable(self, pick: int) -> None:
        """Shut a user out, or let them in again; what ended stays ended."""
        self.enable_or_disable(self.user(pick))

    @rule(later_ms=STEPS_MS)
    def wait(self, later_ms: int) -> None:
        """Let time pass, up to a whole idle limit."""
        self.advance_clock(later_ms)

    @rule(back_ms=st.sampled_from((1, 1_500, 61_000, 3_000_000)))
    def set_clock_back(self, back_ms: int) -> None:
        """Set the clock back; a token that was spent stays spent."""
        self.world.now_ms = max(self.now_ms - back_ms, self.floor_ms)

    @rule(new_key=st.booleans())
    def restart(self, new_key: bool) -> None:
        """Stop the server and start it again, now and then with a new master key in front of the old ones."""
        if new_key and len(self.world.master_keys) < 4:
            self.world.rotate_master_key()
        else:
            self.world.restart()
        self.world.run(keys.rotate_now(self.world.services, origin=OPERATOR, now_ms=self.now_ms))

    @rule()
    def prune(self) -> None:
        """Delete what can no longer matter. The clock is not set back beyond this."""
        self.floor_ms = max(self.floor_ms, self.now_ms)
        self.world.run(prune.prune(self.world.services.store, now_ms=self.now_ms, pause=_no_pause))
        self.world.services.denylist.view.prune(self.now_ms / 1000)

    # --- what must hold after each step -----------------------------------------------------------------------

    @invariant()
    def rows_are_as_the_model_says(self) -> None:
        """One row a session: one live generation, the absolute end of the login."""
        for session in self.sessions:
            row = self.row(session)
            if row is None:
                assert not session.is_live(self.now_ms), "a live session was deleted"
                continue
            assert row.generation == session.generation
            assert row.expires_at == session.expires_at, "the absolute end moved"
            assert row.idle_expires_at == session.idle_expires_at <= row.expires_at
            assert (row.ended_at is not None) <= session.ended, "a session ended that should not"
            if session.ended:
                assert row.ended_at is not None or row.ends_at() <= self.now_ms // 1000

    @invariant()
    def access_tokens_follow_their_session(self) -> None:
        """An access token of an ended session is refused, and no other."""
        view = self.world.services.denylist.view
        for session, token in self.access_tokens[-40:]:
            if token.expires_at > self.now_ms / 1000:
                assert view.revokes(token, self.now_ms / 1000) == (session.ended and self.was_ended(session))

    @invariant()
    def the_dead_stay_dead(self) -> None:
        """No token of an ended session is ever taken again."""
        for session in self.sessions[-6:]:
            if session.ended:
                for token in {session.tokens[-1], session.tokens[0], session.tokens[-2:][0]}:
                    assert self.try_refresh(token) is None

    # --- what the rules share ----------------------------------------------------------------------------------

    def start(self, user: ModelUser) -> None:
        """Log in, in both."""
        issued = self.world.run(self.world.login(user.name, user.password))
        session = ModelSession.started(user, LIMITS, self.now_ms)
        session.tokens.append(issued.refresh_token)
        self.sessions.append(session)
        self.sids[session] = issued.session.sid
        self.device_tokens[session] = issued.device_token or ""
        self.keep_access_token(session, issued)

    def present(self, session: ModelSession, generation: int, *, same_device: bool = False) -> None:
        """Present a token to both and compare what comes back."""
        SessionMachine.done += 1
        token = session.tokens[generation - 1]
        issued = self.try_refresh(token, self.device_tokens[session] if same_device else None)
        expected = session.present(generation, self.now_ms, same_device=same_device)
        if expected is Outcome.REFUSED:
            assert issued is None, "a dead token was taken"
            return
        assert issued is not None, f"a live token was refused: {expected}"
        if expected is Outcome.ROTATED:
            session.tokens.append(issued.refresh_token)
        assert issued.refresh_token == session.tokens[-1]
        assert len(set(session.tokens)) == len(session.tokens)
        self.keep_access_token(session, issued)

    def try_refresh(self, token: str, device_token: str | None = None) -> Issued | None:
        """Return what a refresh gives, None if it is refused."""
        try:
            return self.world.run(self.world.refresh(token, device_token))
        except InvalidGrant:
            return None

    def keep_access_token(self, session: ModelSession, issued: Issued) -> None:
        """Read an access token as it was issued, and remember whose it is."""
        self.access_tokens.append((session, self.world.read(issued.access_token)))

    def was_ended(self, session: ModelSession) -> bool:
        """Tell whether the ending is in the store, with its revocation: one that only expired may have none."""
        row = self.row(session)
        return row is None or row.ended_at is not None

    def row(self, session: ModelSession) -> Session | None:
        """Return the session as the store has it."""
        services = self.world.services
        token = refresh_token.parse(session.tokens[0], services.master_keys.refresh_token_keys)
        return self.world.run(_find(services, token.handle))

    def session(self, which: int) -> ModelSession:
        """Return one of the sessions, mostly one that is live; if there is none, somebody logs in first."""
        live = [session for session in self.sessions if session.is_live(self.now_ms)]
        if not live:
            user = self.user(which)
            if user.disabled:
                self.enable_or_disable(user)
            self.start(user)
            return self.sessions[-1]
        chosen = self.sessions if which % 8 == 7 else live
        return chosen[which // 8 % len(chosen)]

    def user(self, pick: int) -> ModelUser:
        """Return one of the users."""
        return self.users[pick % len(self.users)]

    def end_all(self, user: ModelUser, but: ModelSession | None = None) -> None:
        """End the user's sessions in the model."""
        for session in self.sessions:
            if session.user is user and session is not but:
                session.ended = True

    def advance_clock(self, later_ms: int) -> None:
        """Let time pass."""
        self.world.now_ms += later_ms
        self.latest_ms = max(self.latest_ms, self.now_ms)
        self.floor_ms = max(self.floor_ms, self.latest_ms - SET_BACK_MS)

    def enable_or_disable(self, user: ModelUser) -> None:
        """Do the one that changes something."""
        change = users.enable if user.disabled else users.disable
        self.world.run(self.apply(user, change))
        user.disabled = not user.disabled
        self.end_all(user)

    async def apply(self, user: ModelUser, change: Callable[..., Any]) -> None:
        """Apply *change* to the account of *user*."""
        services = self.world.services
        await change(services, await users.get_by_name(services, user.name), origin=OPERATOR, now_ms=self.now_ms)


async def _at_once(flows: list[Any]) -> list[Any]:
    return await asyncio.gather(*flows, return_exceptions=True)


async def _no_pause() -> None:
    await asyncio.sleep(0)


async def _find(services: Any, handle: bytes) -> Session | None:
    found: Session | None = await services.store.sessions.find(handle)
    return found
