"""TLS at our own port."""

import ssl
from pathlib import Path

import httpx2
import pytest
from certificate import write_pair
from cryptography.hazmat.primitives import serialization
from installation import MASTER_KEY, installed, settings_in
from server_process import refused, running

from free_ports import free_port
from keyturn.errors import ConfigurationError
from keyturn.server.settings import Purpose, Settings
from keyturn.server.wire import tls


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """An environment for a server with a certificate of its own."""
    installed(tmp_path)
    certificate, key = write_pair(tmp_path, "server")
    return {
        "KEYTURN_ISSUER": "https://localhost",
        "KEYTURN_ACCESS_TOKEN_AUDIENCE": "my-api",
        "KEYTURN_KEYS_MASTER_KEY": MASTER_KEY,
        "KEYTURN_DATABASE_URL": f"sqlite:///{tmp_path}/keyturn.db",
        "KEYTURN_SERVER_PORT": str(free_port()),
        "KEYTURN_SERVER_TLS_CERT": certificate,
        "KEYTURN_SERVER_TLS_KEY": key,
    }


@pytest.mark.slow
def test_a_server_with_a_certificate_speaks_tls_alone(tmp_path: Path, environ: dict[str, str]) -> None:
    """OPS-06: whoever trusts the certificate is served, and plain HTTP is not."""
    trust = ssl.create_default_context(cafile=environ["KEYTURN_SERVER_TLS_CERT"])
    with running(tmp_path, environ) as server:
        assert f"at https://127.0.0.1:{server.port}" in server.ready
        answer = httpx2.get(f"https://localhost:{server.port}/readyz", verify=trust)
        with pytest.raises(httpx2.HTTPError):
            httpx2.get(f"http://localhost:{server.port}/readyz")

    assert answer.status_code == 200


@pytest.mark.slow
def test_a_certificate_lets_a_server_listen_beyond_this_machine(tmp_path: Path, environ: dict[str, str]) -> None:
    """Without it the start is refused."""
    everywhere = environ | {"KEYTURN_SERVER_HOST": "0.0.0.0"}  # noqa: S104 - that is the point
    with running(tmp_path, everywhere) as server:
        assert "at https://0.0.0.0:" in server.ready

    plain = everywhere | {"KEYTURN_SERVER_TLS_CERT": "", "KEYTURN_SERVER_TLS_KEY": ""}
    assert "passwords would cross the network in the clear" in refused(tmp_path, plain)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_tls_is_not_spoken(tmp_path: Path, version: ssl.TLSVersion) -> None:
    """TLS 1.2 is the oldest."""
    assert tls.load(*write_pair(tmp_path, "server")).minimum_version > version


def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    """The sentence names both files."""
    certificate, _ = write_pair(tmp_path, "one")
    _, key = write_pair(tmp_path, "other")

    with pytest.raises(ValueError, match=r"one\.pem and .*other\.key are no PEM certificate and its key"):
        tls.load(certificate, key)


def test_a_key_behind_a_password_is_refused_and_never_asked_for(tmp_path: Path) -> None:
    """A server that starts at night has nobody at its terminal."""
    pair = write_pair(tmp_path, "locked", serialization.BestAvailableEncryption(b"secret"))

    with pytest.raises(ValueError, match="are no PEM certificate and its key"):
        tls.load(*pair)


def test_files_that_are_not_there_are_told(tmp_path: Path) -> None:
    """With what the system says."""
    with pytest.raises(ValueError, match="can't be read: No such file"):
        tls.load(f"{tmp_path}/no.pem", f"{tmp_path}/no.key")


@pytest.mark.parametrize("mode", [0o604, 0o644, 0o620, 0o602])
def test_a_key_that_strangers_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    """KEY-10: or that anybody but its owner can write; the sentence says which command mends it."""
    pair = write_pair(tmp_path, "server")
    Path(pair[1]).chmod(mode)

    with pytest.raises(ConfigurationError, match=r"server\.tls_key .*: others can .*; run: chmod 600 .*server\.key"):
        load_with(tmp_path, *pair)


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o640, 0o440])
def test_a_key_may_be_shared_with_a_group(tmp_path: Path, mode: int) -> None:
    """Systems hand keys to servers through a group such as ``ssl-cert``."""
    pair = write_pair(tmp_path, "server")
    Path(pair[1]).chmod(mode)

    load_with(tmp_path, *pair)


def load_with(folder: Path, certificate: str, key: str) -> Settings:
    """Load the settings of a server with this certificate."""
    return settings_in(folder, purpose=Purpose.SERVE, server={"tls_cert": certificate, "tls_key": key})
