"""A secret may be a reference: where it is kept, instead of what it is. Each is read once, when the settings are.

``file:path`` · ``credential:name`` (systemd) · ``vault:mount/path#field`` · ``awssm:name#field``. A reference is no
secret and may stand in a message; what it leads to never does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from keyturn.server.configuration import secret_aws, secret_files, secret_vault

CREDENTIAL: Final = "credential:"
"""What a reference to a credential begins with that systemd hands to its service."""

CREDENTIALS_DIRECTORY: Final = "CREDENTIALS_DIRECTORY"

URLS: Final = frozenset({"database.url", "redis.url"})
"""Settings that may hold a password beside what is no secret."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference, and the directory that a relative path in it starts from."""

    text: str
    base: Path


class References:
    """Reads references, each of them once."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self._vault = secret_vault.Vault(variables)
        self._found: dict[Reference, str | ValueError] = {}

    def read(self, reference: Reference) -> str:
        """Return the secret that *reference* leads to.

        Raises:
            ValueError: it leads nowhere; the message says what to do, and holds nothing of the secret.

        """
        if reference not in self._found:
            self._found[reference] = self._outcome(reference)
        found = self._found[reference]
        if isinstance(found, ValueError):
            raise found
        return found

    def _outcome(self, reference: Reference) -> str | ValueError:
        try:
            return self._read(reference)
        except ValueError as error:
            return error

    def _read(self, reference: Reference) -> str:
        text = reference.text
        if text.startswith(secret_vault.REFERENCE):
            return self._vault.read(text)
        if text.startswith(secret_aws.REFERENCE):
            return secret_aws.read(text)
        if text.startswith(CREDENTIAL):
            return secret_files.read_secret(self._credential(text.removeprefix(CREDENTIAL)))
        return secret_files.read_secret(reference.base / text.removeprefix(secret_files.REFERENCE))

    def _credential(self, name: str) -> Path:
        directory = self._variables.get(CREDENTIALS_DIRECTORY)
        if not directory:
            raise ValueError(
                f"{CREDENTIAL}{name} can't be read: there is no {CREDENTIALS_DIRECTORY}, which systemd sets for a unit"
                f" with LoadCredential={name}:…"
            )
        if not name or Path(name).name != name:
            raise ValueError(f"{CREDENTIAL}{name} is no name of a credential, which is a file name alone")
        return Path(directory) / name


def may_refer(name: str, kind: object) -> bool:
    """Tell whether the value of the setting *name* may be a reference."""
    return kind is SecretStr or name in URLS


def is_reference(value: object) -> bool:
    """Tell whether *value* says where a secret is kept."""
    return isinstance(value, str) and value.startswith(_BEGINNINGS)


_BEGINNINGS: Final = (secret_files.REFERENCE, CREDENTIAL, secret_vault.REFERENCE, secret_aws.REFERENCE)
