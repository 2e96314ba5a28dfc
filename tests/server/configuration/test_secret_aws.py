"""Secrets in AWS Secrets Manager, as ``moto`` plays it: names, ARNs, fields, and what is said without one."""

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "servers"))

from aws import Aws
from installation import MASTER_KEY

from keyturn.errors import ConfigurationError
from keyturn.server.configuration import secret_aws
from keyturn.server.settings import Settings


@pytest.fixture(scope="module")
def server() -> Iterator[Aws]:
    """Secrets Manager, with secrets of ours in it."""
    made = Aws()
    made.put("keyturn", SecretString=f"{MASTER_KEY}\n")
    made.put("keyturn/all", SecretString=json.dumps({"master_key": MASTER_KEY, "number": 7}))
    made.put("bytes", SecretBinary=b"\0\1")
    yield made
    made.close()


@pytest.fixture
def aws(server: Aws, monkeypatch: pytest.MonkeyPatch) -> Aws:
    """The server, and an environment that leads to it alone."""
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return server


def refusal(reference: str) -> str:
    """Return what is said when the secret can't be read."""
    with pytest.raises(ValueError, match="awssm:") as refused:
        secret_aws.read(reference)
    return str(refused.value)


@pytest.mark.slow
def test_a_secret_by_its_name_and_by_a_field(aws: Aws) -> None:
    """The whole text, or one member of a JSON object."""
    assert secret_aws.read("awssm:keyturn") == MASTER_KEY
    assert secret_aws.read("awssm:keyturn/all#master_key") == MASTER_KEY


@pytest.mark.slow
def test_a_secret_by_its_arn(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ARN names the region."""
    monkeypatch.delenv("AWS_REGION")
    arn = aws.put("by-arn", SecretString="found")

    assert secret_aws.read(f"awssm:{arn}") == "found"


@pytest.mark.slow
def test_settings_from_aws(aws: Aws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reference is a setting's value; one that leads nowhere stops the start by its name."""
    monkeypatch.chdir(tmp_path)
    known = {"KEYTURN_ISSUER": "https://auth.example.com", "KEYTURN_ACCESS_TOKEN_AUDIENCE": "my-api"}

    settings = Settings.load(environ={**known, "KEYTURN_KEYS_MASTER_KEY": "awssm:keyturn/all#master_key"})
    assert settings.keys.master_key.get_secret_value() == MASTER_KEY

    with pytest.raises(ConfigurationError, match=r"keys\.master_key \(.*\): awssm:no can't be read: there is no such"):
        Settings.load(environ={**known, "KEYTURN_KEYS_MASTER_KEY": "awssm:no"})


@pytest.mark.slow
def test_what_can_t_be_read_is_told(aws: Aws) -> None:
    """Which reference and why; nothing of the secret."""
    assert refusal("awssm:no") == "awssm:no can't be read: there is no such secret in this account and region"
    assert "holds no text" in refusal("awssm:bytes")
    assert "no text in a field other" in refusal("awssm:keyturn/all#other")
    assert "no text in a field number" in refusal("awssm:keyturn/all#number")
    assert "is no JSON" in refusal("awssm:keyturn#master_key")
    assert MASTER_KEY not in refusal("awssm:keyturn#master_key")


@pytest.mark.slow
def test_the_secret_is_in_no_log(aws: Aws, caplog: pytest.LogCaptureFixture) -> None:
    """The library logs what it was answered when an app logs everything; not here."""
    with caplog.at_level(logging.DEBUG):
        secret_aws.read("awssm:keyturn")
        assert logging.getLogger("botocore").getEffectiveLevel() == logging.DEBUG

    assert MASTER_KEY not in caplog.text


def test_a_secret_never_crosses_a_network_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    """An endpoint beyond this machine is https://."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://aws.example.com")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")

    assert "in the clear" in refusal("awssm:keyturn")


@pytest.mark.parametrize("reference", ["awssm:", "awssm:#field", "awssm:name#"])
def test_a_reference_names_a_secret(reference: str) -> None:
    """Anything else is refused before anybody is asked."""
    assert "write awssm:name" in refusal(reference)


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one command that helps."""
    monkeypatch.setitem(sys.modules, "boto3", None)

    assert "pip install 'keyturn[aws]'" in refusal("awssm:keyturn")
