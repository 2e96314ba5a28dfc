"""Serves one of these APIs on this machine, and says how to attack it: ``serve.py alg-none``. Lists them without a name.

What an attack needs is put into a folder that is there as long as the server: a token, and the issuer's keys.
"""

import argparse
import json
import os
import shlex
import signal
import sys
import tempfile
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # this file is in the package that it serves

from broken_apis import login_server, target  # noqa: E402 - only now it is to be found
from broken_apis.serving import Served, serving  # noqa: E402 - likewise


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


def attack_command(served: Served, folder: Path) -> list[str]:
    """Return the command that attacks what is *served*; what it needs is put into *folder*."""
    attack = ["keyturn", "attack", served.url]
    if served.target.name.startswith(f"{target.ISSUERS}/"):
        password = f"KEYTURN_ATTACK_PASSWORD={login_server.PASSWORD}"
        account = ["--issuer", served.url, "--username", login_server.USERNAME]
        return ["env", password, *attack, "--route", "GET /me", *account]
    issuer = served.target.issuer
    files = {
        "--token-file": _write(folder / "token.txt", issuer.token()),
        "--key": _write(folder / "key.json", json.dumps(issuer.private_jwk)),
        "--jwks": _write(folder / "jwks.json", json.dumps({"keys": [issuer.public_jwk]})),
    }
    return [*attack, *(word for option in files.items() for word in option), "--listen"]


def _story(name: str) -> str:
    return target.story(name).replace("``", "`")


def _write(file: Path, text: str) -> str:
    with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as opened:
        opened.write(text)
    return str(file)


_ENDINGS = {signal.SIGINT, signal.SIGTERM}

if __name__ == "__main__":
    sys.exit(main())
