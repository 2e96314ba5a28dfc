"""Sessions as a state machine: whatever is done in whatever order, the real flows do what a page of model says.

A few planted faults show that the machine finds what it is there for.
"""

from collections.abc import Callable
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from session_machine import SessionMachine

from keyturn.core import refresh
from keyturn.core.model import Session
from keyturn.store.sql import revocations
from keyturn.store.sql import sessions as session_table

pytestmark = pytest.mark.slow


def test_the_flows_do_what_the_model_says(full: bool, seed: int, say: Callable[[str], None]) -> None:
    """REF-02 to REF-09, A34, A35, A37, A40, A59: no order of events makes the flows differ from the model."""
    examples, steps = (600, 50) if full else (60, 40)
    SessionMachine.done = 0

    explore(seed, examples=examples, steps=steps)

    say(f"machine: {examples} runs of up to {steps} steps, {SessionMachine.done} tokens presented, 0 differences")


@pytest.mark.parametrize(
    "plant",
    [
        pytest.param("replays_two_generations_back", id="replays two generations back"),
        pytest.param("ends_without_revocation", id="ends without revocation"),
        pytest.param("advances_an_expired_session", id="advances an expired session"),
        pytest.param("advances_from_any_generation", id="advances from any generation"),
        pytest.param("moves_the_absolute_end", id="moves the absolute end"),
        pytest.param("refuses_reuse_and_ends_nothing", id="refuses reuse and ends nothing"),
    ],
)
def test_the_machine_finds_a_planted_fault(monkeypatch: pytest.MonkeyPatch, plant: str) -> None:
    """The proof can fail: with one rule broken, the machine sees it."""
    FAULTS[plant](monkeypatch)

    with pytest.raises((AssertionError, ExceptionGroup)):
        explore(1, examples=200, steps=40)


def explore(seed: int, *, examples: int, steps: int) -> None:
    """Run the machine; raise what it finds."""
    hypothesis.seed(seed)(SessionMachine)
    run_state_machine_as_test(
        SessionMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )


def _replays_two_generations_back(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = refresh.judge

    def lenient(session: Session | None, *, presented: int, **asked: Any) -> refresh.Verdict:
        near = session is not None and presented == session.generation - 2
        return judge(session, presented=presented + near, **asked)

    monkeypatch.setattr(refresh, "judge", lenient)


def _ends_without_revocation(monkeypatch: pytest.MonkeyPatch) -> None:
    append = revocations.append
    monkeypatch.setattr(revocations, "append", lambda _, now_ms: append((), now_ms))


def _refuses_reuse_and_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def end_nothing(*_: Any) -> None:
        pass

    monkeypatch.setattr(refresh, "_end", end_nothing)


def _edit_advance(before: str, after: str) -> Callable[[pytest.MonkeyPatch], None]:
    def plant(monkeypatch: pytest.MonkeyPatch) -> None:
        assert before in session_table.ADVANCE
        monkeypatch.setattr(session_table, "ADVANCE", session_table.ADVANCE.replace(before, after))

    return plant


FAULTS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "replays_two_generations_back": _replays_two_generations_back,
    "ends_without_revocation": _ends_without_revocation,
    "advances_an_expired_session": _edit_advance("AND expires_at > :now AND idle_expires_at > :now", ""),
    "advances_from_any_generation": _edit_advance("AND generation = :from_generation", "AND :from_generation > 0"),
    "moves_the_absolute_end": _edit_advance("SET", "SET expires_at = expires_at + 1,"),
    "refuses_reuse_and_ends_nothing": _refuses_reuse_and_ends_nothing,
}
