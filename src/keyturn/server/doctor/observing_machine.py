"""Measuring this machine: what one password hash takes, what there is of cores and memory."""

import os
import secrets
import sys
import time
from pathlib import Path
from typing import Final

from keyturn.server.doctor.machine import Machine
from keyturn.server.hash_threads import default_threads
from keyturn.server.hashing import HashCost, make_hash
from keyturn.server.settings import Settings

TIMES: Final = 3
"""Hashes that are made; the quickest counts, so that neither a cold start nor a busy moment does."""

LIMIT: Final = Path("/sys/fs/cgroup/memory.max")
"""What Linux lets a container have, where it has a limit."""


def measure(settings: Settings, *, now: int) -> Machine:
    """Return what this machine is, and what a hash costs on it with the parameters in *settings*."""
    chosen = settings.password
    cost = HashCost(memory_kib=chosen.memory_kib, time_cost=chosen.time_cost, parallelism=chosen.parallelism)
    return Machine(
        hash_seconds=min(_timed(cost) for _ in range(TIMES)),
        hash_bytes=cost.memory_kib * 1024,
        threads=chosen.concurrency or default_threads(settings.server.workers),
        workers=settings.server.workers,
        cores=_cores(),
        memory_bytes=_memory(),
        python=sys.version_info[:2],
        now=now,
    )


def _timed(cost: HashCost) -> float:
    began = time.perf_counter()
    make_hash(cost, secrets.token_bytes(16))
    return time.perf_counter() - began


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory() -> int:
    return min((each for each in (_limit(), _physical()) if each), default=0)


def _limit() -> int:
    try:
        text = LIMIT.read_text("ascii").strip()
    except OSError:
        return 0
    return int(text) if text.isdecimal() else 0


def _physical() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 0
