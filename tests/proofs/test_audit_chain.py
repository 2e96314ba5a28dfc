"""Servers that seal the audit log at once, and are killed while they do: one chain, and no entry without a seal."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from backends import BACKENDS, new_database

from keyturn.core.model import AuditEvent, AuditKind, Origin
from server import SERVE, Installation, Server, add_users, beside, install, log_in, serving

pytestmark = pytest.mark.slow

EAGER = str(Path(__file__).parent / "eager_server.py")
SECONDS = 0.5
PATIENCE_SECONDS = 20


def verified(installation: Installation) -> dict[str, Any]:
    """Return what ``keyturn audit verify`` says."""
    done = installation.run("audit", "verify", "--json")
    report: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (0 if report["ok"] else 1), done.stderr
    return report


def verified_whole(installation: Installation) -> dict[str, Any]:
    """Return what it says once every entry is sealed, or something is wrong."""
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up_at:
        report = verified(installation)
        if report["sealed"] == report["entries"] or not report["ok"]:
            return report
    raise AssertionError(f"never all sealed: {report}")


async def write_for(installation: Installation, seconds: float, rng: Random) -> int:
    """Append entries beside the servers, as other processes do; return how many were answered."""
    written = 0
    async with beside(installation) as opened:
        until = time.monotonic() + seconds  # the opening takes its time
        while time.monotonic() < until:
            event = AuditEvent(at_ms=time.time_ns() // 1_000_000, kind=AuditKind.LOGIN_REFUSED, origin=Origin())
            count = rng.randint(1, 9)
            await opened.services.store.audit.append([event] * count)
            written += count
    return written


@pytest.mark.parametrize("backend", BACKENDS)
def test_servers_that_are_killed_while_they_seal_leave_one_chain(
    tmp_path: Path, backend: str, full: bool, seed: int, say: Callable[[str], None]
) -> None:
    """OPS-03: whoever comes back goes on where the chain ends; every entry that was written is there, and sealed."""
    rng = Random(seed)
    installation = install(tmp_path, new_database(backend))
    places = [installation, installation.at_another_port()]
    servers = [Server(place, (EAGER,)).wait_until_ready() for place in places]
    written = 0
    try:
        for _ in range(12 if full else 1):
            written += asyncio.run(write_for(installation, rng.uniform(0.2, 1) * SECONDS, rng))
            victim = rng.randrange(2)
            servers[victim].kill()
            servers[victim] = Server(places[victim], (EAGER,)).wait_until_ready()
        written += asyncio.run(write_for(installation, SECONDS, rng))
        report = verified_whole(installation)
    finally:
        for server in servers:
            server.kill()

    assert report["findings"] == []
    assert report["entries"] >= written > 0
    seals = [number for (number,) in installation.query("SELECT number FROM audit_seals ORDER BY number")]
    assert seals == list(range(1, len(seals) + 1))
    assert len(seals) > 2
    say(f"audit chain, {backend}: {report['entries']} entries, {len(seals)} seals, servers killed meanwhile, one chain")


def test_two_chains_would_be_seen(tmp_path: Path, seed: int) -> None:
    """The proof can fail: with a planted fault, seals go on from the same one twice."""
    installation = install(tmp_path)
    places = [installation, installation.at_another_port()]
    servers = [Server(place, (EAGER, "forked")).wait_until_ready() for place in places]
    faults: set[str] = set()
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    try:
        while not faults and time.monotonic() < give_up_at:
            asyncio.run(write_for(installation, SECONDS, Random(seed)))
            faults = {finding["fault"] for finding in verified(installation)["findings"]}
    finally:
        for server in servers:
            server.kill()

    assert "seal_changed" in faults


def test_a_server_seals_within_seconds_and_at_its_stop(tmp_path: Path) -> None:
    """As it runs in earnest; its log has the head, by which the log is known again."""
    installation = install(tmp_path, KEYTURN_LOG_LEVEL="info")
    add_users(installation, "alice")
    log_in(installation, "alice")
    with serving(installation, SERVE) as server:
        first = verified_whole(installation)
        log_in(installation, "alice")
    last = verified(installation)

    lines = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
    (head,) = [line["head"] for line in lines if line["event"] == "audit log sealed"]
    assert first["ok"]
    assert head == first["head"]
    assert (last["ok"], last["sealed"]) == (True, last["entries"])
    assert last["entries"] > first["entries"]
    assert installation.run("audit", "verify", "--expect", head).returncode == 0
