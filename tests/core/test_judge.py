"""The verdict on a refresh token, from its session as it is."""

from typing import Any

import pytest
from builders import NOW, NOW_MS, session
from hypothesis import given
from hypothesis import strategies as st

from keyturn.core.model import Session
from keyturn.core.policy import Enforcement
from keyturn.core.refresh import Verdict, judge

ASKED: dict[str, Any] = {
    "presented": 4,
    "now_ms": NOW_MS,
    "grace_ms": 60_000,
    "binding": Enforcement.OBSERVE,
    "browser": "Firefox",
    "device_id": None,
}


@pytest.mark.parametrize(
    ("row", "asked", "verdict"),
    [
        (None, {}, Verdict.UNKNOWN),
        (session(ended_at=NOW), {}, Verdict.ENDED),
        (session(expires_at=NOW), {}, Verdict.EXPIRED),
        (session(idle_expires_at=NOW), {}, Verdict.EXPIRED),
        (session(idle_expires_at=NOW + 1), {}, Verdict.REPLAY),
        (session(), {"presented": 5}, Verdict.CURRENT),
        (session(), {"presented": 6}, Verdict.ROLLED_BACK),
        (session(), {"presented": 4}, Verdict.REPLAY),
        (session(), {"presented": 3}, Verdict.REUSED),
        (session(), {"presented": 0}, Verdict.REUSED),
        (session(), {"now_ms": NOW_MS + 60_000}, Verdict.REPLAY),
        (session(), {"now_ms": NOW_MS + 60_001}, Verdict.REUSED),
        (session(), {"now_ms": NOW_MS - 3_000}, Verdict.REPLAY),
        (session(), {"grace_ms": 0}, Verdict.REUSED),
        (session(), {"grace_ms": 0, "device_id": b"d" * 16}, Verdict.REUSED),
        (session(), {"now_ms": NOW_MS + 86_400_000, "device_id": b"d" * 16}, Verdict.REPLAY),
        (session(), {"now_ms": NOW_MS + 86_400_000, "device_id": b"x" * 16}, Verdict.REUSED),
        (session(), {"presented": 3, "device_id": b"d" * 16}, Verdict.REUSED),
        (session(), {"browser": "curl"}, Verdict.REPLAY),
        (session(), {"browser": "curl", "binding": Enforcement.OFF}, Verdict.REPLAY),
        (session(), {"browser": "curl", "binding": Enforcement.ENFORCE}, Verdict.REUSED),
        (session(), {"browser": "Firefox", "binding": Enforcement.ENFORCE}, Verdict.REPLAY),
        (
            session(),
            {"browser": "curl", "binding": Enforcement.ENFORCE, "device_id": b"d" * 16},
            Verdict.REUSED,
        ),
    ],
)
def test_each_case_of_the_rule(row: Session | None, asked: dict[str, Any], verdict: Verdict) -> None:
    """REF-03, REF-04, REF-05, REF-08: each line of the rule, at both sides of each border."""
    assert judge(row, **(ASKED | asked)) is verdict


@given(
    generation=st.integers(1, 2**32 - 1),
    presented=st.integers(1, 2**32 - 1),
    ended_at=st.none() | st.integers(0, NOW),
    late_ms=st.integers(-10_000, 10**12),
    grace_ms=st.integers(0, 600_000),
    device_id=st.sampled_from([None, b"d" * 16, b"x" * 16]),
)
def test_only_the_live_predecessor_is_ever_answered(  # noqa: PLR0917 - hypothesis names them
    generation: int,
    presented: int,
    ended_at: int | None,
    late_ms: int,
    grace_ms: int,
    device_id: bytes | None,
) -> None:
    """REF-05: whatever else is true, only the immediate predecessor of a live session gets the successor again."""
    row = session(generation=generation, ended_at=ended_at, expires_at=2**40, idle_expires_at=2**40)
    asked = ASKED | {
        "presented": presented,
        "now_ms": NOW_MS + late_ms,
        "grace_ms": grace_ms,
        "device_id": device_id,
    }

    verdict = judge(row, **asked)

    in_time = late_ms <= grace_ms or device_id == b"d" * 16
    may_replay = ended_at is None and presented == generation - 1 and grace_ms > 0 and in_time
    assert (verdict is Verdict.REPLAY) == may_replay
