"""``rediss``: the server's certificate is checked, against the authorities that ``SSL_CERT_FILE`` names."""

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from valkey_servers import Valkey

from keyturn.core.ports import CacheState
from keyturn.core.ratelimit import Rate, Reservation
from keyturn.store import open_store

pytestmark = pytest.mark.slow

LIMIT = Reservation(key="ip", rate=Rate.per(1, 60))


@pytest.fixture
async def encrypted(valkey: Valkey, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of a door with TLS before Valkey; its certificate is in ``cert.pem``."""
    certificate_for("127.0.0.1", tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner = await asyncio.open_connection("127.0.0.1", valkey.port)
        await asyncio.gather(pump(reader, inner[1]), pump(inner[0], writer), return_exceptions=True)

    door = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    yield valkey.url.replace("redis://", "rediss://").replace(str(valkey.port), str(door.sockets[0].getsockname()[1]))
    door.close()


@pytest.fixture
def vouched(encrypted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same URL, where its certificate is an authority."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    return encrypted


async def test_a_certificate_that_is_vouched_for_is_taken(
    database_url: str, vouched: str, valkey: Valkey, now_ms: int
) -> None:
    """And Valkey hears of the limits."""
    store = await open_store(database_url, redis_url=vouched)

    assert [await store.rate_limits.reserve([LIMIT], now_ms) for _ in range(2)] == [0, 60]

    assert store.cache_state is CacheState.OK
    with valkey.client() as client:
        assert client.dbsize() == 1
    await store.close()


async def test_a_stranger_is_not_talked_to(database_url: str, encrypted: str, valkey: Valkey, now_ms: int) -> None:
    """Without that, no password and no limit is sent; the database does it."""
    store = await open_store(database_url, redis_url=encrypted)

    assert [await store.rate_limits.reserve([LIMIT], now_ms) for _ in range(2)] == [0, 60]

    assert store.cache_state is CacheState.DEGRADED
    with valkey.client() as client:
        assert client.dbsize() == 0
    await store.close()


def certificate_for(address: str, folder: Path) -> None:
    """Write ``cert.pem``, which vouches for itself, and ``key.pem``."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "cache")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(private)
