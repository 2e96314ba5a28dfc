"""The command that attacks a target, and what it needs: a token and the issuer's keys in files, or an account."""

import json
import os
from pathlib import Path

from broken_apis import login_server
from broken_apis.serving import Served
from broken_apis.target import ISSUERS


def attack_command(served: Served, folder: Path) -> list[str]:
    """Return the command that attacks what is *served*; what it needs is put into *folder*."""
    attack = ["keyturn", "attack", served.url]
    if served.target.name.startswith(f"{ISSUERS}/"):
        password = f"KEYTURN_ATTACK_PASSWORD={login_server.PASSWORD}"
        account = ["--issuer", served.url, "--username", login_server.USERNAME]
        return ["env", password, *attack, "--route", "GET /me", *account]
    issuer = served.target.issuer
    files = {
        "--token-file": _write(folder / "token.key", issuer.token()),
        "--key": _write(folder / "issuer.key", json.dumps(issuer.private_jwk)),
        "--jwks": _write(folder / "jwks.json", json.dumps({"keys": [issuer.public_jwk]})),
    }
    return [*attack, *(word for option in files.items() for word in option), "--listen"]


def _write(file: Path, text: str) -> str:
    with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as opened:
        opened.write(text)
    return str(file)
