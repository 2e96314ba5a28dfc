"""Checks of this machine: what a password hash costs here, whether memory, cores and Python suffice."""

from dataclasses import dataclass
from typing import Final

from keyturn.server.doctor.findings import Chapter, Check, Sentences, Severity

CHEAP_SECONDS: Final = 0.005
DEAR_SECONDS: Final = 1.0

#: The last day of each Python that we run on, in epoch seconds (https://devguide.python.org/versions/).
PYTHON_ENDS: Final = {
    (3, 11): 1_824_940_800,
    (3, 12): 1_856_563_200,
    (3, 13): 1_888_099_200,
    (3, 14): 1_919_635_200,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What was measured and counted.

    Attributes:
        hash_seconds: what one password hash takes with the configured parameters, nothing else running.
        hash_bytes: the memory of one.
        threads: hashes at the same time in each process.
        workers: processes.
        cores: what this process may run on.
        memory_bytes: what all processes may use together; 0 where that is not known.
        python: major and minor version.
        now: the time, epoch seconds.

    """

    hash_seconds: float
    hash_bytes: int
    threads: int
    workers: int
    cores: int
    memory_bytes: int
    python: tuple[int, int]
    now: int


def _hash_cheap(machine: Machine) -> Sentences:
    if machine.hash_seconds < CHEAP_SECONDS:
        yield f"A password hash takes {machine.hash_seconds * 1000:.1f} ms here."


def _hash_dear(machine: Machine) -> Sentences:
    if machine.hash_seconds > DEAR_SECONDS:
        yield f"A password hash takes {machine.hash_seconds:.1f} s here."


def _hash_threads(machine: Machine) -> Sentences:
    together = machine.threads * machine.workers
    if together > machine.cores:
        yield f"{together} hashes may run at once, on {machine.cores} {'core' if machine.cores == 1 else 'cores'}."


def _hash_memory(machine: Machine) -> Sentences:
    together = machine.hash_bytes * machine.threads * machine.workers
    if machine.memory_bytes and together > machine.memory_bytes // 2:
        yield f"Hashes may take {_mib(together)} MiB, and there are {_mib(machine.memory_bytes)} MiB."


def _python_old(machine: Machine) -> Sentences:
    if machine.now > PYTHON_ENDS.get(machine.python, machine.now):
        yield f"This is Python {machine.python[0]}.{machine.python[1]}."


def _mib(count: int) -> int:
    return count >> 20


CHAPTER: Final = Chapter(
    name="machine",
    title="This machine",
    subject=Machine,
    checks=(
        Check(
            id="hash-cheap",
            severity=Severity.MEDIUM,
            meaning="This machine hashes faster than the parameters were chosen for, and so does who stole the hashes.",
            mend="Raise password.memory_kib or password.time_cost until a hash takes some tens of milliseconds.",
            reference="PWD-01; OWASP Password Storage Cheat Sheet",
            judge=_hash_cheap,
        ),
        Check(
            id="hash-dear",
            severity=Severity.MEDIUM,
            meaning="Users wait for each login, and a few guesses at once keep every core busy.",
            mend="Lower password.time_cost, or use a faster machine; `keyturn bench` measures it.",
            reference="PWD-08",
            judge=_hash_dear,
        ),
        Check(
            id="hash-threads",
            severity=Severity.LOW,
            meaning="A flood of logins takes every core from refreshes.",
            mend="Set password.concurrency to 0, which leaves a core free, and server.workers to the cores at most.",
            reference="PWD-08",
            judge=_hash_threads,
        ),
        Check(
            id="hash-memory",
            severity=Severity.HIGH,
            meaning="A flood of logins uses up the memory, and the system ends the server.",
            mend="Lower password.concurrency or password.memory_kib, or give the server more memory.",
            reference="PWD-08",
            judge=_hash_memory,
        ),
        Check(
            id="python-old",
            severity=Severity.MEDIUM,
            meaning="Nobody mends the security of this Python any more.",
            mend="Run a newer Python.",
            reference="https://devguide.python.org/versions/",
            judge=_python_old,
        ),
    ),
)
