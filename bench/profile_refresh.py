"""Where a refresh spends its time on the event loop: ``bench/profile_refresh.py``, sorted by the time of each function.

The server runs in this process under cProfile, which makes small functions look dearer than they are. The store's two
threads are not in the profile; ``run.py --only P4`` says what a refresh costs with them.
"""

import argparse
import cProfile
import os
import pstats
import signal
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from keyturn.server.run import Ready, serve
from keyturn.server.settings import Purpose, Settings
from keyturn_server import Installation, install, settings_of
from load import Load, Plan, keyturn_rotation
from p04_refresh import AT_ONCE, SESSIONS
from processes import SERVER_CORES, free_port, pinned
from sessions import add_sessions


def main() -> None:
    """Serve, refresh for a while, print."""
    parser = argparse.ArgumentParser(description="Profile the event loop while it refreshes.")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--sort", default="tottime", help="as for pstats (default: tottime)")
    parser.add_argument("--lines", type=int, default=60)
    asked = parser.parse_args()
    with TemporaryDirectory(prefix="bench-") as directory:
        installation = install(Path(directory))
        tokens = add_sessions(installation.database, SESSIONS, installation.master_key, handed_out=SESSIONS)
        profile = _profile(installation, tokens, asked.seconds)
    pstats.Stats(profile).sort_stats(asked.sort).print_stats(asked.lines)


def _profile(installation: Installation, tokens: tuple[str, ...], seconds: float) -> cProfile.Profile:
    port = free_port()
    profile = cProfile.Profile(time.thread_time)  # not the clock's: other threads run whenever the lock is let go

    def load() -> None:
        with Load(Plan(port=port, connections=AT_ONCE, rotation=keyturn_rotation(tokens))) as refreshes:
            outcome = refreshes.run(seconds)
        print(f"{outcome.good} refreshes while profiled")
        os.kill(os.getpid(), signal.SIGTERM)

    def begin(_: Ready) -> None:
        threading.Thread(target=load).start()

    with pinned(SERVER_CORES):
        settings = Settings.load(purpose=Purpose.SERVE, environ=settings_of(installation, port))
        profile.runcall(serve, settings, announce=begin)
    return profile


if __name__ == "__main__":
    main()
