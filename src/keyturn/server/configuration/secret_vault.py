"""Secrets in HashiCorp Vault or OpenBao: ``vault:mount/path#field``, in a key-value engine of version 2.

Where Vault is and who we are there say the variables that its own tools read, and two kinds of log-in for machines.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

from keyturn.server.configuration import secret_files
from keyturn.verify.locations import is_loopback

if TYPE_CHECKING:
    from hvac import Client
    from requests import Session

REFERENCE: Final = "vault:"

TIMEOUT_SECONDS: Final = 5
RETRIES: Final = 2


@dataclass(frozen=True, slots=True)
class Place:
    """The *field* of the secret at *path* in the engine that is mounted at *mount*."""

    mount: str
    path: str
    field: str

    @classmethod
    def parse(cls, reference: str) -> Self:
        """Return the place that *reference* names.

        Raises:
            ValueError: it names none.

        """
        found = _REFERENCE.fullmatch(reference)
        if found is None:
            raise ValueError(f"{reference} is no reference to Vault; write vault:mount/path#field")
        return cls(found["mount"], found["path"], found["field"])


class Vault:
    """Reads secrets; logs in once, when the first is asked for.

    Args:
        variables: the environment: ``VAULT_ADDR``, ``VAULT_TOKEN`` and the others of docs/secrets.md.

    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self._client: Client | None = None

    def read(self, reference: str) -> str:
        """Return the secret that *reference* names.

        Raises:
            ValueError: it can't be read; the message says what to do, and holds neither secret nor token.

        """
        place = Place.parse(reference)
        if find_spec("hvac") is None:
            raise ValueError(f"{reference} can't be read: hvac is not installed: pip install 'keyturn[vault]'")
        try:
            return _field(self._secret(place), place)
        except ValueError as error:
            raise ValueError(f"{reference} can't be read: {error}") from None

    def _secret(self, place: Place) -> Any:  # noqa: ANN401 - whatever the other side answers
        from hvac.exceptions import VaultError  # noqa: PLC0415 - an extra
        from requests import RequestException  # noqa: PLC0415 - it comes with hvac

        try:
            return self._logged_in().secrets.kv.v2.read_secret_version(
                path=place.path, mount_point=place.mount, raise_on_deleted_version=True
            )
        except VaultError as error:
            raise ValueError(_REFUSALS.get(type(error).__name__, _OTHERWISE).format(place=place)) from None
        except RequestException as error:
            raise ValueError(f"{_address(self._variables)} {_failure(error)}") from None

    def _logged_in(self) -> "Client":
        if self._client is None:
            self._client = _log_in(_open(self._variables), self._variables)
        return self._client


def _open(variables: Mapping[str, str]) -> "Client":
    import hvac  # noqa: PLC0415 - an extra

    address = _address(variables)
    return hvac.Client(
        url=address,
        token="",
        namespace=variables.get("VAULT_NAMESPACE"),
        timeout=TIMEOUT_SECONDS,
        allow_redirects=False,  # the token goes to nobody else
        session=_session(variables),
    )


def _session(variables: Mapping[str, str]) -> "Session":
    from requests import Session  # noqa: PLC0415 - it comes with hvac
    from requests.adapters import HTTPAdapter  # noqa: PLC0415 - likewise
    from urllib3 import Retry  # noqa: PLC0415 - likewise

    session = Session()
    session.verify = variables.get("VAULT_CACERT") or variables.get("VAULT_CAPATH") or True
    session.trust_env = urlsplit(_address(variables)).scheme == "https"  # no proxy ever sees a token in the clear
    retry = Retry(RETRIES, backoff_factor=0.2, status_forcelist=_PASSING, raise_on_status=False, redirect=False)
    retry.respect_retry_after_header = False
    for scheme in ("https://", "http://"):
        session.mount(scheme, HTTPAdapter(max_retries=retry))
    return session


def _log_in(client: "Client", variables: Mapping[str, str]) -> "Client":
    """Return *client* with a token: a given one, else of an AppRole, of Kubernetes, or of Vault's own log-in."""
    token = _given(variables, "VAULT_TOKEN")
    role_id = _given(variables, "VAULT_ROLE_ID")
    if token:
        client.token = token
    elif role_id:
        client.auth.approle.login(role_id, _given(variables, "VAULT_SECRET_ID"))
    elif variables.get("VAULT_ROLE"):
        service_account = Path(variables.get("VAULT_KUBERNETES_TOKEN_FILE", _SERVICE_ACCOUNT))
        client.auth.kubernetes.login(variables["VAULT_ROLE"], secret_files.read(service_account))
    elif (own := Path(variables.get("HOME", "/nonexistent"), ".vault-token")).exists():
        client.token = secret_files.read_secret(own)
    else:
        raise ValueError(
            "nothing says who we are there; set VAULT_TOKEN, VAULT_TOKEN_FILE, VAULT_ROLE_ID or VAULT_ROLE"
        )
    return client


def _given(variables: Mapping[str, str], name: str) -> str | None:
    """Return the variable *name*, or the content of the file that the variable *name*_FILE names."""
    file = variables.get(f"{name}_FILE")
    return secret_files.read_secret(Path(file)) if file else variables.get(name, "").strip() or None


def _address(variables: Mapping[str, str]) -> str:
    """Return the scheme, host and port of Vault."""
    parts = urlsplit(variables.get("VAULT_ADDR", ""))
    if parts.scheme not in {"https", "http"} or not parts.hostname or parts.username is not None:
        raise ValueError("VAULT_ADDR does not say where Vault is; write https://host:8200")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("VAULT_ADDR begins with http://, and secrets would cross a network in the clear; use https://")
    return f"{parts.scheme}://{parts.netloc}"


def _field(answer: object, place: Place) -> str:
    """Return the field of an answer, which is no dict where Vault sends us elsewhere."""
    if not isinstance(answer, dict):
        raise ValueError("Vault sends us elsewhere; VAULT_ADDR must be where it answers itself")  # noqa: TRY004
    fields = answer["data"]["data"]
    value = fields.get(place.field)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"the secret is there, and has no text in a field {place.field}")
    return value.strip()


def _failure(error: Exception) -> str:
    from requests.exceptions import ConnectionError, SSLError, Timeout  # noqa: A004, PLC0415 - it comes with hvac

    if isinstance(error, SSLError):
        return "shows no certificate that we trust; VAULT_CACERT names the file of its authority"
    if isinstance(error, ConnectionError | Timeout):
        return f"can't be reached, or does not answer within {TIMEOUT_SECONDS} seconds"
    return f"could not be asked ({type(error).__name__})"


_REFERENCE: Final = re.compile(r"vault:(?P<mount>[\w.-]+)/(?P<path>[\w.-]+(?:/[\w.-]+)*)#(?P<field>[\w.-]+)", re.ASCII)
_SERVICE_ACCOUNT: Final = "/var/run/secrets/kubernetes.io/serviceaccount/token"
_PASSING: Final = (412, 500, 502, 503, 504)
_REFUSALS: Final = {
    "InvalidRequest": "Vault refused our log-in; look at VAULT_ROLE_ID and VAULT_SECRET_ID, or VAULT_ROLE",
    "Unauthorized": "Vault does not know us; give a token that is still good",
    "Forbidden": (
        "Vault refused us; the token, or the role that we log in with, needs a policy that has 'read' on"
        " {place.mount}/data/{place.path}"
    ),
    "InvalidPath": (
        "there is no such secret; write it with: vault kv put -mount={place.mount} {place.path} {place.field}=…"
        " (the engine must be of version 2)"
    ),
    "VaultDown": "Vault is sealed or has no active node; unseal it",
    "VaultNotInitialized": "Vault is not initialised",
}
_OTHERWISE: Final = "Vault failed; its own log says why"
