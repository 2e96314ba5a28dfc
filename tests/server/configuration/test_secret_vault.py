"""Secrets in a real Vault: who we are there, and what is said when it does not give one out."""

import json
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

sys.path.append(str(Path(__file__).parents[2] / "servers"))

from installation import MASTER_KEY
from vault import Vault as Server

from keyturn.errors import ConfigurationError
from keyturn.server.configuration import secret_vault
from keyturn.server.configuration.secret_vault import Place, Vault
from keyturn.server.settings import Settings

REFERENCE = "vault:secret/keyturn#master_key"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A Vault with a secret of ours in it."""
    made = Server()
    made.put("keyturn", master_key=f"{MASTER_KEY}\n", url="sqlite:///from-vault.db", number=7, empty=" ")
    made.put("deep/er", value="found")
    yield made
    made.close()


def refusal(variables: dict[str, str], reference: str = REFERENCE) -> str:
    """Return what is said when the secret can't be read."""
    with pytest.raises(ValueError, match="can't be read: ") as refused:
        Vault(variables).read(reference)
    return str(refused.value)


@pytest.mark.slow
def test_settings_from_a_vault(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret and a URL, from the environment and from keyturn.toml; the source is what named the reference."""
    monkeypatch.chdir(tmp_path)
    Path("keyturn.toml").write_text('[database]\nurl = "vault:secret/keyturn#url"\n')
    environ = {
        "KEYTURN_ISSUER": "https://auth.example.com",
        "KEYTURN_ACCESS_TOKEN_AUDIENCE": "my-api",
        "KEYTURN_KEYS_MASTER_KEY": REFERENCE,
        "VAULT_ADDR": server.address,
        "VAULT_TOKEN": server.token_for("secret/data/keyturn"),
    }

    settings = Settings.load(environ=environ)

    assert settings.keys.master_key.get_secret_value() == MASTER_KEY
    assert settings.database.url == "sqlite:///from-vault.db"
    assert not settings.warnings


@pytest.mark.slow
def test_a_path_may_have_several_parts(server: Server) -> None:
    """The first is the mount, the rest the path."""
    assert (
        Vault({"VAULT_ADDR": server.address, "VAULT_TOKEN": server.token}).read("vault:secret/deep/er#value") == "found"
    )


@pytest.mark.slow
def test_a_token_in_a_file(server: Server, tmp_path: Path) -> None:
    """Named by a variable, or where ``vault login`` leaves it; others must not be able to read it."""
    for variables, name in (
        ({"VAULT_TOKEN_FILE": f"{tmp_path}/sink"}, "sink"),
        ({"HOME": str(tmp_path)}, ".vault-token"),
    ):
        file = tmp_path / name
        file.write_text(f"{server.token}\n")
        file.chmod(0o600)
        known = {"VAULT_ADDR": server.address, **variables}
        assert Vault(known).read(REFERENCE) == MASTER_KEY
        file.chmod(0o644)
        assert "others can read" in refusal(known)


@pytest.mark.slow
def test_the_log_in_of_a_machine(server: Server, tmp_path: Path) -> None:
    """An AppRole: its id, and its secret id from the environment or a file. A wrong one is told, and not shown."""
    server.policy("machine", "secret/data/keyturn")
    server.api("POST", "sys/auth/approle", {"type": "approle"})
    server.api("POST", "auth/approle/role/keyturn", {"token_policies": ["machine"]})
    role_id = server.api("GET", "auth/approle/role/keyturn/role-id")["data"]["role_id"]
    secret_id = server.api("POST", "auth/approle/role/keyturn/secret-id", {})["data"]["secret_id"]
    known = {"VAULT_ADDR": server.address, "VAULT_ROLE_ID": role_id}
    file = tmp_path / "secret_id"
    file.write_text(secret_id)
    file.chmod(0o600)

    assert Vault({**known, "VAULT_SECRET_ID": secret_id}).read(REFERENCE) == MASTER_KEY
    assert Vault({**known, "VAULT_SECRET_ID_FILE": str(file)}).read(REFERENCE) == MASTER_KEY
    sentence = refusal({**known, "VAULT_SECRET_ID": "wrong-secret-id"})
    assert "refused our log-in" in sentence
    assert "wrong-secret-id" not in sentence


class Cluster(BaseHTTPRequestHandler):
    """The one answer of Kubernetes that Vault asks for: whose token this is."""

    def do_POST(self) -> None:
        """Say that it is the service account ``keyturn``'s."""
        self.rfile.read(int(self.headers["Content-Length"]))
        user = {"username": "system:serviceaccount:default:keyturn", "uid": "1", "groups": ["system:serviceaccounts"]}
        kind = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview"}
        body = json.dumps({**kind, "status": {"authenticated": True, "user": user}}).encode()
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.slow
def test_the_log_in_of_a_pod(server: Server, tmp_path: Path) -> None:
    """The token of its service account, in a file that the whole pod may read, and the role that Vault has for it."""
    account = {"namespace": "default", "serviceaccount": {"name": "keyturn", "uid": "1"}}
    now = int(time.time())
    claims = {"sub": "system:serviceaccount:default:keyturn", "kubernetes.io": account, "iat": now, "exp": now + 600}
    file = tmp_path / "token"
    key = rsa.generate_private_key(65537, 2048)
    file.write_text(jwt.encode(claims, key, algorithm="RS256"))
    file.chmod(0o644)
    with HTTPServer(("127.0.0.1", 0), Cluster) as cluster:
        threading.Thread(target=cluster.serve_forever, kwargs={"poll_interval": 0.01}).start()
        try:
            server.policy("pod", "secret/data/keyturn")
            server.api("POST", "sys/auth/kubernetes", {"type": "kubernetes"})
            host = f"http://127.0.0.1:{cluster.server_port}"
            known = {"kubernetes_host": host, "token_reviewer_jwt": jwt.encode({}, key, algorithm="RS256")}
            server.api("POST", "auth/kubernetes/config", {**known, "kubernetes_ca_cert": "for http: none"})
            bound = {"bound_service_account_names": ["keyturn"], "bound_service_account_namespaces": ["default"]}
            server.api("POST", "auth/kubernetes/role/keyturn", {**bound, "token_policies": ["pod"]})

            known = {"VAULT_ADDR": server.address, "VAULT_KUBERNETES_TOKEN_FILE": str(file)}
            assert Vault({**known, "VAULT_ROLE": "keyturn"}).read(REFERENCE) == MASTER_KEY
            assert "can't be read: Vault refused" in refusal({**known, "VAULT_ROLE": "another"})
        finally:
            cluster.shutdown()


@pytest.mark.slow
def test_what_can_t_be_read_is_told(server: Server) -> None:
    """Which reference, why, and the mend; never a token or a value."""
    all_rights = {"VAULT_ADDR": server.address, "VAULT_TOKEN": server.token}
    wrong = {"VAULT_ADDR": server.address, "VAULT_TOKEN": "wrong-token"}
    other = {"VAULT_ADDR": server.address, "VAULT_TOKEN": server.token_for("secret/data/other")}

    assert refusal(wrong).startswith(f"{REFERENCE} can't be read: Vault refused us")
    assert "wrong-token" not in refusal(wrong)
    assert "'read' on secret/data/keyturn" in refusal(other)
    assert "vault kv put -mount=secret nothing master_key=…" in refusal(all_rights, "vault:secret/nothing#master_key")
    assert "no text in a field other" in refusal(all_rights, "vault:secret/keyturn#other")
    assert "no text in a field number" in refusal(all_rights, "vault:secret/keyturn#number")
    assert "no text in a field empty" in refusal(all_rights, "vault:secret/keyturn#empty")
    assert "nothing says who we are" in refusal({"VAULT_ADDR": server.address})


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("", "VAULT_ADDR does not say where Vault is"),
        ("vault:8200", "VAULT_ADDR does not say where Vault is"),
        ("https://me:secret@vault:8200", "VAULT_ADDR does not say where Vault is"),
        ("http://vault.example.com:8200", "in the clear; use https://"),
        ("http://127.0.0.1:1", "http://127.0.0.1:1 can't be reached"),
    ],
)
def test_an_address_is_https_or_this_machine(address: str, sentence: str) -> None:
    """A token never crosses a network in the clear."""
    assert sentence in refusal({"VAULT_ADDR": address, "VAULT_TOKEN": "t0ken"})


@pytest.mark.parametrize(
    "reference", ["vault:", "vault:secret", "vault:secret/a", "vault:secret/a#", "vault:/a#b", "vault:secret/../a#b?c"]
)
def test_a_reference_names_mount_path_and_field(reference: str) -> None:
    """Anything else is refused before anybody is asked."""
    with pytest.raises(ValueError, match="write vault:mount/path#field"):
        Place.parse(reference)


class Elsewhere(BaseHTTPRequestHandler):
    """Sends whoever asks to the very same server, and keeps who asked for what."""

    asked: ClassVar[list[tuple[str, str | None]]] = []

    def do_GET(self) -> None:
        """Answer."""
        self.asked.append((self.path, self.headers["X-Vault-Token"]))
        self.send_response(307)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_token_goes_to_nobody_else() -> None:
    """A redirection is not followed, as whatever it leads to would get the token."""
    Elsewhere.asked.clear()
    with HTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        try:
            known = {"VAULT_ADDR": f"http://127.0.0.1:{server.server_port}", "VAULT_TOKEN": "t0ken"}
            assert "sends us elsewhere" in refusal(known)
        finally:
            server.shutdown()

    assert Elsewhere.asked == [("/v1/secret/data/keyturn", "t0ken")]


def test_a_vault_that_does_not_answer_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """After some seconds, and a bounded number of attempts, the start goes on to say so."""
    monkeypatch.setattr(secret_vault, "TIMEOUT_SECONDS", 0.05)
    with HTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        known = {"VAULT_ADDR": f"http://127.0.0.1:{server.server_port}", "VAULT_TOKEN": "t0ken"}
        assert "does not answer within" in refusal(known)


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one command that helps."""
    monkeypatch.setitem(sys.modules, "hvac", None)

    assert "pip install 'keyturn[vault]'" in refusal({})


@pytest.mark.slow
def test_several_problems_are_told_together(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each setting has its line."""
    monkeypatch.chdir(tmp_path)
    environ = {
        "KEYTURN_KEYS_MASTER_KEY": "vault:secret/keyturn#no",
        "KEYTURN_DATABASE_URL": "vault:secret/no#url",
        "VAULT_ADDR": server.address,
        "VAULT_TOKEN": server.token,
    }

    with pytest.raises(ConfigurationError) as refused:
        Settings.load(environ=environ)

    lines = str(refused.value).splitlines()
    names = ["keys.master_key", "database.url", "issuer", "access_token.audience"]
    assert [name for name in names if any(line.startswith(f"{name} (") for line in lines)] == names
