"""What ``keyturn dev`` keeps in ``./.keyturn/``: a master key, a database, a user, and a settings file.

The settings file is there for the commands that run beside it, such as ``keyturn users add``. Its first lines follow
each start; the rest is the developer's, who wants roles and scopes of their own.
"""

import json
import secrets
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from keyturn.cli.opening import OPERATOR
from keyturn.cli.private_files import PRIVATE, replace, write_new_master_key
from keyturn.core import users
from keyturn.core.services import Services
from keyturn.errors import ConfigurationError, Conflict, NotFound
from keyturn.server.configuration import secret_files
from keyturn.server.configuration.sources import DEVELOPMENT_FILE
from keyturn.server.settings import Purpose, Settings

DIRECTORY: Final = DEVELOPMENT_FILE.parent
USERNAME: Final = "dev"
ROLES: Final = ("admin", "user")


@dataclass(frozen=True, slots=True, kw_only=True)
class Development:
    """The directory, and where the server of this start listens."""

    directory: Path
    host: str
    port: int

    @property
    def settings_file(self) -> Path:
        """The file that the commands beside it read."""
        return self.directory / DEVELOPMENT_FILE.name

    @property
    def issuer(self) -> str:
        """The issuer: cookies work without TLS for this name alone."""
        return f"http://localhost:{self.port}"

    @property
    def database_url(self) -> str:
        """The database, from where the command is run: the directory may be moved."""
        return f"sqlite:///{self.directory}/keyturn.db"

    def prepare(self) -> Settings:
        """Make what is missing in the directory and return the settings of this start.

        Whatever the environment says: issuer, database and master key are those of the directory.

        Raises:
            ConfigurationError: the directory can't be used, or what the developer wrote there is wrong.

        """
        self._make_directory()
        key_file = self.directory / MASTER_KEY_FILE
        with suppress(Conflict):  # an earlier start has made it
            write_new_master_key(key_file)
        self._write_settings_file()
        return Settings.load(
            purpose=Purpose.SERVE,
            config=self.settings_file,
            issuer=self.issuer,
            server={"host": self.host, "port": self.port, "workers": 1},
            database={"url": self.database_url},
            keys={"master_key": _secret(key_file)},
        )

    def _make_directory(self) -> None:
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.directory.chmod(0o700)
        except OSError as error:
            raise ConfigurationError(f"--dir: {self.directory} can't be used: {error.strerror}.") from None

    def _write_settings_file(self) -> None:
        theirs = _THEIRS
        if self.settings_file.exists():
            _, marker, theirs = self.settings_file.read_text("utf-8").partition(_MARKER)
            if not marker:
                return  # all of it is theirs
        replace(self.settings_file, f"{_INTRO}{self._own_lines()}\n{_MARKER}{theirs}", mode=PRIVATE)

    def _own_lines(self) -> str:
        values = {
            "issuer": self.issuer,
            "server.host": self.host,
            "server.port": self.port,
            "database.url": self.database_url,
            "keys.master_key": f"{secret_files.REFERENCE}{MASTER_KEY_FILE}",
        }
        return "".join(f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in values.items())


async def make_user(services: Services, now_ms: int) -> str | None:
    """Make the user `USERNAME` with a random password and return that; None if there is such a user already."""
    with suppress(NotFound):
        await users.get_by_name(services, USERNAME)
        return None
    password = secrets.token_urlsafe(15)
    await users.add_user(services, USERNAME, password, roles=ROLES, origin=OPERATOR, now_ms=now_ms)
    return password


def _secret(path: Path) -> str:
    try:
        return secret_files.read_secret(path)
    except ValueError as error:
        raise ConfigurationError(f"keys.master_key: {error}.") from None


MASTER_KEY_FILE: Final = "master_key"
_INTRO: Final = """\
# Made by 'keyturn dev', and read by every keyturn command that is run beside this directory.
# These lines follow the last start:
"""
_MARKER: Final = "# From here on the file is yours. Write sections as dotted keys, as here.\n"
_THEIRS: Final = """\
access_token.audience = ["my-api"]
roles.user = ["orders:read"]
roles.admin = ["orders:read", "orders:write"]
"""
