"""P13: the memory of one worker that has 100,000 sessions, once it has refreshed many of them."""

from pathlib import Path
from tempfile import TemporaryDirectory

from keyturn_server import serving_sessions
from load import Load, Plan
from p04_refresh import AT_ONCE
from rows import Options, Row
from served import resident_bytes

SESSIONS = 100_000
MOST_MIB = 90


def measure(options: Options) -> list[Row]:
    """Refresh for a while, each time with the token of another session, then ask the system."""
    number = options.scaled(SESSIONS)
    with (
        TemporaryDirectory(prefix="bench-") as directory,
        serving_sessions(Path(directory), number, handed_out=number) as (server, rotation),
        Load(Plan(port=server.port, connections=AT_ONCE, rotation=rotation)) as load,
    ):
        at_start = resident_bytes(server) / 2**20
        refreshed = load.run(options.seconds).good
        mib = resident_bytes(server) / 2**20
    row = Row(
        bar="P13",
        what=f"resident memory of one worker, {number:,} sessions, {refreshed:,} refreshes",
        measured=f"{mib:.0f} MiB",
        beside=f"{at_start:.0f} MiB at its start",
        target=f"<= {MOST_MIB} MiB",
        met=mib <= MOST_MIB,
    )
    return [row]
