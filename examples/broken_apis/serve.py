"""Serves one of these APIs on this machine, and says how to attack it: ``serve.py alg-none``. Lists them otherwise.

What an attack needs is put into a folder that is there as long as the server.
"""

import argparse
import shlex
import signal
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # where the package is that this file is in

from broken_apis import target
from broken_apis.handing_over import attack_command
from broken_apis.serving import serving


def main() -> int:
    """Do as the command line says."""
    said = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    said.add_argument("name", nargs="?", choices=target.names(), metavar="NAME", help="what to serve; none lists them")
    said.add_argument("--port", type=int, default=0, help="where to listen on 127.0.0.1; any that is free unless given")
    given = said.parse_args()
    if given.name is None:
        for name in target.names():
            print(f"{name:<28}{_story(name)}")
        return 0
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDINGS)  # the server's thread too leaves them to this one
    with tempfile.TemporaryDirectory(prefix="broken-api-") as folder, serving(given.name, given.port) as served:
        print(f"{given.name}: {_story(given.name)}")
        print(f"It listens on {served.url} until you press Ctrl-C. Attack it from another terminal:\n")
        print(f"  {shlex.join(attack_command(served, Path(folder)))}\n", flush=True)
        signal.sigwait(_ENDINGS)
    return 0


def _story(name: str) -> str:
    return target.story(name).replace("``", "`")


_ENDINGS = {signal.SIGINT, signal.SIGTERM}

if __name__ == "__main__":
    sys.exit(main())
