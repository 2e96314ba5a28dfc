"""The files for deployment fit the product: its settings, commands, ports, paths and schema, and nothing secret."""

import json
import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from typer import main as typer

from keyturn.cli.private_files import new_master_key
from keyturn.errors import ConfigurationError
from keyturn.server.configuration.problem import environment_name
from keyturn.server.routes import URLS
from keyturn.server.settings import Purpose, Settings, all_names
from keyturn.server.wire.http_server import GRACE_SECONDS

ROOT: Final = Path(__file__).parents[2]
DOCKERFILE: Final = (ROOT / "Dockerfile").read_text("utf-8")
COMPOSE_TEXT: Final = (ROOT / "compose.yaml").read_text("utf-8")
COMPOSE: Final[dict[str, Any]] = yaml.safe_load(COMPOSE_TEXT)
UNIT_TEXT: Final = (ROOT / "deploy" / "systemd" / "keyturn.service").read_text("utf-8")
MANIFESTS: Final = sorted((ROOT / "deploy" / "kubernetes").glob("*.yaml"))
FILES: Final = [
    ROOT / "Dockerfile",
    ROOT / "compose.yaml",
    *sorted(path for path in (ROOT / "deploy").rglob("*") if path.is_file()),
]
PORT: Final = Settings().server.port
MASTER_KEY: Final = new_master_key()
DOTENV: Final = {"POSTGRES_PASSWORD": "a1", "VALKEY_PASSWORD": "b2", "KEYTURN_KEYS_MASTER_KEY": MASTER_KEY}


def instructions(name: str) -> list[str]:
    """Return what follows each *name* in the Dockerfile, continued lines joined."""
    return re.findall(rf"^{name} (.*)$", DOCKERFILE.replace("\\\n", " "), re.MULTILINE)


def unit(name: str) -> list[str]:
    """Return every value of a directive in the systemd unit."""
    return re.findall(rf"^{name}=(.*)$", UNIT_TEXT, re.MULTILINE)


def manifest(kind: str) -> dict[str, Any]:
    """Return the one Kubernetes resource of this kind."""
    found = [each for path in MANIFESTS for each in yaml.safe_load_all(path.read_text("utf-8"))]
    (only,) = [each for each in found if each["kind"] == kind]
    resource: dict[str, Any] = only
    return resource


def pod(kind: str) -> dict[str, Any]:
    """Return the specification of the pods that a Deployment or a Job makes."""
    specification: dict[str, Any] = manifest(kind)["spec"]["template"]["spec"]
    return specification


def container(kind: str) -> dict[str, Any]:
    """Return their one container."""
    (only,) = pod(kind)["containers"]
    specification: dict[str, Any] = only
    return specification


def compose_environment(dotenv: Mapping[str, str]) -> dict[str, str]:
    """Return what the container of ``compose.yaml`` has in its environment, the image's own included."""
    image = dict(re.findall(r"(KEYTURN_\w+)=(\S+)", " ".join(instructions("ENV"))))
    own = COMPOSE["services"]["keyturn"]["environment"]
    return image | {name: _interpolated(value, dotenv) for name, value in own.items()}


def _interpolated(text: str, dotenv: Mapping[str, str]) -> str:
    """Do what Compose does with ``${NAME:-default}`` and ``${NAME:?message}``."""

    def value(found: re.Match[str]) -> str:
        if found["kind"] == "?":
            return dotenv[found["name"]]
        return dotenv.get(found["name"]) or found["rest"]

    return re.sub(r"\$\{(?P<name>\w+):(?P<kind>[-?])(?P<rest>[^}]*)\}", value, text)


def pod_environment(kind: str, secrets: Path) -> dict[str, str]:
    """Return the environment of a pod whose secrets and settings are files in *secrets*."""
    places = {"/etc/keyturn": secrets, "/run/secrets/keyturn": secrets}
    named = {each["name"]: Path(each["value"]) for each in container(kind)["env"]}
    return {name: str(places[str(path.parent)] / path.name) for name, path in named.items()}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_setting_that_a_file_names_exists(path: Path) -> None:
    """Each ``KEYTURN_…`` is the environment's name of a setting, or of the file that holds it."""
    known = {environment_name(name) for name in all_names()}
    known |= {f"{name}_FILE" for name in known} | {"KEYTURN_CONFIG"}

    assert set(re.findall(r"\bKEYTURN_[A-Z_]+\b", path.read_text("utf-8"))) <= known


def test_compose_starts_as_it_is_written() -> None:
    """A server takes these settings with what the first lines of the file put into ``.env``; without it none starts."""
    settings = Settings.load(purpose=Purpose.SERVE, environ=compose_environment(DOTENV))

    assert settings.warnings == ()
    assert settings.issuer == f"http://localhost:{PORT}"
    assert COMPOSE["services"]["keyturn"]["ports"] == [f"127.0.0.1:{PORT}:{PORT}"]
    for name in DOTENV:
        assert re.search(rf"^#.*\b{name}=\$\(openssl rand ", COMPOSE_TEXT, re.MULTILINE)
        with pytest.raises(KeyError, match=name):
            compose_environment({key: value for key, value in DOTENV.items() if key != name})


def test_compose_behind_a_proxy_is_as_safe_as_any_server() -> None:
    """The four lines of the comment are a safe installation, and not one of them can be left out unnoticed."""
    lines = dict(re.findall(r"^#   (KEYTURN_\w+)=([^\s$]+)$", COMPOSE_TEXT, re.MULTILINE))
    settings = Settings.load(purpose=Purpose.SERVE, environ=compose_environment(DOTENV | lines))

    assert len(lines) == 4
    assert (settings.danger.allow_http, settings.warnings) == (False, ())
    for name in ("KEYTURN_ISSUER", "KEYTURN_SERVER_TRUSTED_PROXIES"):
        fewer = {key: value for key, value in lines.items() if key != name}
        with pytest.raises(ConfigurationError, match=r"in the clear|for localhost alone"):
            Settings.load(purpose=Purpose.SERVE, environ=compose_environment(DOTENV | fewer))


def test_only_compose_on_this_machine_goes_without_tls() -> None:
    """``danger.allow_http`` is in no other file."""
    naming = {path.name for path in FILES if re.search("allow_http", path.read_text("utf-8"), re.IGNORECASE)}

    assert naming == {"compose.yaml"}


@pytest.mark.parametrize("kind", ["Deployment", "Job"])
def test_the_pods_start_as_they_are_written(kind: str, tmp_path: Path) -> None:
    """The ConfigMap, the files of the Secret and the image together are settings that a server takes."""
    texts = {
        "keyturn.toml": manifest("ConfigMap")["data"]["keyturn.toml"],
        "master_key": MASTER_KEY,
        "database_url": "postgresql://keyturn:a1@postgres/keyturn?sslmode=verify-full",
        "redis_url": "rediss://:b2@valkey:6379/0",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, "utf-8")
        (tmp_path / name).chmod(0o600)
    environ = compose_environment(DOTENV)
    image = {"KEYTURN_SERVER_HOST": environ["KEYTURN_SERVER_HOST"]}

    settings = Settings.load(purpose=Purpose.SERVE, environ=image | pod_environment(kind, tmp_path))

    assert settings.warnings == ()
    assert settings.server.port == PORT
    assert settings.database.url


def test_the_external_secret_holds_what_the_pods_read() -> None:
    """Every file that a pod names is a key of the Secret."""
    path = ROOT / "deploy" / "kubernetes" / "examples" / "external-secret.yaml"
    keys = {each["secretKey"] for each in yaml.safe_load(path.read_text("utf-8"))["spec"]["data"]}
    named = {Path(each["value"]) for kind in ("Deployment", "Job") for each in container(kind)["env"]}

    assert {each.name for each in named if each.parent.name == "keyturn" and "secrets" in each.parts} == keys


def test_every_port_is_the_one_that_a_server_listens_on() -> None:
    """In the image, in Compose, in the pods and in the network's rules."""
    assert instructions("EXPOSE") == [str(PORT)]
    assert f"127.0.0.1:{PORT}/healthz" in DOCKERFILE
    (port,) = container("Deployment")["ports"]
    (service,) = manifest("Service")["spec"]["ports"]
    assert (port["containerPort"], service["targetPort"]) == (PORT, port["name"])
    assert manifest("NetworkPolicy")["spec"]["ingress"][0]["ports"] == [{"protocol": "TCP", "port": PORT}]
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container("Deployment")[probe]["httpGet"]["port"] == port["name"]


def test_every_probe_asks_for_a_url_of_ours() -> None:
    """The process is restarted by ``/healthz`` alone; ``/readyz`` only keeps requests away."""
    paths = {probe: container("Deployment")[probe]["httpGet"]["path"] for probe in _PROBES}

    assert paths == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
    assert {*paths.values(), "/healthz"} <= {url.path for url in URLS}


def test_every_command_is_one_of_ours() -> None:
    """Those that the image, the pods and the unit run, and those that their comments tell people to run."""
    (entrypoint,), (arguments,) = instructions("ENTRYPOINT"), instructions("CMD")
    assert json.loads(entrypoint) == ["keyturn"]
    commands = [json.loads(arguments), container("Deployment")["args"], container("Job")["args"]]
    commands += [shlex.split(line)[1:] for line in unit("ExecStart")]
    told = [line for path in FILES for line in _told(path.read_text("utf-8"))]
    assert len(told) >= 4

    for command in [*commands, *map(shlex.split, told)]:
        _parse(command)


def test_the_image_runs_as_a_user_that_the_pods_name() -> None:
    """It is not root, and its number is the same everywhere."""
    user, _, group = instructions("USER")[-1].partition(":")
    assert int(user) > 0
    assert f"--uid {user} --gid {group}" in DOCKERFILE
    for kind in ("Deployment", "Job"):
        context = pod(kind)["securityContext"]
        assert context["runAsNonRoot"] is True
        assert [str(context[name]) for name in ("runAsUser", "runAsGroup", "fsGroup")] == [user, group, group]


@pytest.mark.parametrize("kind", ["Deployment", "Job"])
def test_a_pod_may_do_no_more_than_it_needs(kind: str) -> None:
    """No privilege, no capability, nothing to write but memory, no token of the cluster, and bounded memory."""
    own = container(kind)["securityContext"]
    assert (own["allowPrivilegeEscalation"], own["readOnlyRootFilesystem"]) == (False, True)
    assert own["capabilities"] == {"drop": ["ALL"]}
    assert pod(kind)["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod(kind)["automountServiceAccountToken"] is False
    assert {"requests", "limits"} == container(kind)["resources"].keys()
    assert all(mount.get("readOnly") for mount in container(kind)["volumeMounts"] if mount["name"] != "tmp")


def test_compose_gives_the_server_no_more_than_it_needs() -> None:
    """And its database and Valkey are reached from nowhere else."""
    server = COMPOSE["services"]["keyturn"]
    assert (server["read_only"], server["cap_drop"]) == (True, ["ALL"])
    assert COMPOSE["services"]["postgres"]["network_mode"] == "none"
    assert COMPOSE["services"]["valkey"]["networks"] == ["data"]
    assert COMPOSE["networks"]["data"] == {"internal": True}
    assert "ports" not in COMPOSE["services"]["valkey"]


def test_a_rolling_restart_drops_no_request() -> None:
    """A new pod is ready before an old one goes, and an old one has the time that requests under way may take."""
    strategy = manifest("Deployment")["spec"]["strategy"]["rollingUpdate"]
    assert (manifest("Deployment")["spec"]["replicas"] >= 2, strategy["maxUnavailable"]) == (True, 0)
    (_, pause) = container("Deployment")["lifecycle"]["preStop"]["exec"]["command"]
    assert pod("Deployment")["terminationGracePeriodSeconds"] > int(pause) + GRACE_SECONDS
    assert int(unit("TimeoutStopSec")[0]) > GRACE_SECONDS
    assert int(COMPOSE["services"]["keyturn"]["stop_grace_period"].removesuffix("s")) > GRACE_SECONDS


def test_the_rules_of_the_cluster_are_about_the_pods_that_there_are() -> None:
    """The Service, the budget and the network's rules choose them by labels that they carry."""
    labels = manifest("Deployment")["spec"]["template"]["metadata"]["labels"].items()
    assert manifest("Service")["spec"]["selector"].items() <= labels
    assert manifest("PodDisruptionBudget")["spec"]["selector"]["matchLabels"].items() <= labels
    for kind in ("Deployment", "Job"):
        own = manifest(kind)["spec"]["template"]["metadata"]["labels"].items()
        assert manifest("NetworkPolicy")["spec"]["podSelector"]["matchLabels"].items() <= own
    assert not manifest("Service")["spec"]["selector"].items() <= (
        manifest("Job")["spec"]["template"]["metadata"]["labels"].items()
    )


def test_every_image_is_pinned() -> None:
    """Others' to a release, ours to this version."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    images = [image.split()[0] for image in instructions("FROM")]
    images += [service["image"] for service in COMPOSE["services"].values()]
    images += [container(kind)["image"] for kind in ("Deployment", "Job")]

    for image in images:
        name, _, tag = image.rpartition(":")
        assert tag == version if name.endswith("keyturn") else re.match(r"\d+(\.|-|$)", tag), image
    assert {"postgres:18", "valkey/valkey:9"} <= set(images)


def test_the_image_is_made_of_files_that_are_there() -> None:
    """What the Dockerfile copies exists, is let through by ``.dockerignore``, and pins every package with a hash."""
    let_in = re.findall(r"^!(.*)$", (ROOT / ".dockerignore").read_text("utf-8"), re.MULTILINE)
    copied = [word for line in instructions("COPY") if "--from" not in line for word in line.split()[:-1]]
    assert sorted(copied) == sorted(let_in)
    assert all((ROOT / name).exists() for name in copied)
    for name in re.findall(r"-r (\S+)", DOCKERFILE):
        text = (ROOT / name).read_text("utf-8")
        assert len(re.findall(r"^[\w.\[\]-]+==", text, re.MULTILINE)) == len(re.findall(r"==.*\\\n +--hash=", text))


def test_the_image_has_every_extra_that_its_settings_may_ask_for() -> None:
    """PostgreSQL, Redis, Vault and AWS beside the server itself."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    needed = {_name(each) for extra in ("server", "postgres", "redis", "vault", "aws") for each in extras[extra]}
    pinned = {_name(line) for line in (ROOT / "requirements" / "image.txt").read_text("utf-8").splitlines()}

    assert needed <= pinned
    assert not {"hatchling", "pytest", "fastapi"} & pinned


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_no_file_holds_a_secret(path: Path) -> None:
    """No value as long as a key, no password in a URL, and no value for what is a secret."""
    text = path.read_text("utf-8")

    assert not [found for found in re.findall(r"[A-Za-z0-9_+/-]{32,}", text) if re.search(r"\d", found)]
    assert not re.findall(r"://[^/\s:@]*:(?!\$\{)[^@\s/]+@", text)
    for value in re.findall(r"(?:PASSWORD|MASTER_KEY|SECRET)(?:=|: )\"?([^\s\"]+)", text):
        assert value.startswith("$"), value


def test_the_unit_reads_the_key_that_systemd_hands_it() -> None:
    """The credential has the name that the setting points to, and its file is what ``keyturn init`` writes."""
    name, _, path = unit("LoadCredential")[0].partition(":")
    assert f"KEYTURN_KEYS_MASTER_KEY_FILE=%d/{name}" in unit("Environment")
    assert Path(path).name == import_module("keyturn.cli.init").MASTER_KEY_FILE
    assert (unit("User"), unit("Type")) == (["keyturn"], ["notify"])


def _told(text: str) -> Iterator[str]:
    """Yield the arguments of each command of ours that a comment shows."""
    for line in re.findall(r"^#   .*$", text, re.MULTILINE):
        yield from re.findall(r"(?:^#   |run --rm |/bin/)keyturn ([^()|]+?)(?: +\(|$)", line)


def _parse(words: list[str]) -> None:
    noun, *arguments = words
    command: Any = typer.get_command(import_module(f"keyturn.cli.{noun}").app)
    if verbs := getattr(command, "commands", None):
        command = verbs[arguments.pop(0)]
    command.make_context(noun, arguments)


def _name(requirement: str) -> str:
    return re.split(r"[\s\[=><;]", requirement, maxsplit=1)[0].lower().replace("_", "-")


_PROBES: Final = ("startupProbe", "livenessProbe", "readinessProbe")
