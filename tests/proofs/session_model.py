"""What a session must do, on one page: counters, instants and lists. No store, no token, no key.

The model knows a token by its session and its generation. It says what presenting one must bring, and remembers what
that does. The machine in ``test_session_machine.py`` holds the real flows against it.
"""

from dataclasses import dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    """What presenting a refresh token brings."""

    ROTATED = "rotated"
    SAME_SUCCESSOR = "the same successor"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Lengths of life: seconds, and milliseconds for the grace."""

    lifetime: int
    idle: int
    grace_ms: int


@dataclass(slots=True, kw_only=True)
class ModelUser:
    """Somebody with a password."""

    name: str
    password: str
    disabled: bool = False


@dataclass(slots=True, kw_only=True, eq=False)
class ModelSession:
    """One login: which generation is live, and until when."""

    user: ModelUser
    limits: Limits
    expires_at: int
    idle_expires_at: int
    rotated_at_ms: int
    generation: int = 1
    ended: bool = False
    tokens: list[str] = field(default_factory=list)

    @classmethod
    def started(cls, user: ModelUser, limits: Limits, now_ms: int) -> "ModelSession":
        """Return a session that starts now."""
        now = now_ms // 1000
        idle_end = min(now + limits.idle, now + limits.lifetime)
        return cls(
            user=user, limits=limits, expires_at=now + limits.lifetime, idle_expires_at=idle_end, rotated_at_ms=now_ms
        )

    def is_live(self, now_ms: int) -> bool:
        """Tell whether the session's current token must be taken."""
        return not self.ended and now_ms // 1000 < min(self.expires_at, self.idle_expires_at)

    def present(self, generation: int, now_ms: int, *, same_device: bool) -> Outcome:
        """Say what presenting *generation* must bring, and let it happen."""
        if not self.is_live(now_ms):
            self.ended = True
            return Outcome.REFUSED
        if generation == self.generation:
            return self._rotate(now_ms)
        in_grace = same_device or now_ms - self.rotated_at_ms <= self.limits.grace_ms
        if generation == self.generation - 1 and in_grace and self.limits.grace_ms:
            return Outcome.SAME_SUCCESSOR
        self.ended = True
        return Outcome.REFUSED

    def _rotate(self, now_ms: int) -> Outcome:
        self.generation += 1
        self.rotated_at_ms = now_ms
        self.idle_expires_at = min(now_ms // 1000 + self.limits.idle, self.expires_at)
        return Outcome.ROTATED
