"""Settings: where each value comes from, and what is said when something is wrong."""

from pathlib import Path
from typing import Any

import pytest
from installation import COMPLETE, MASTER_KEY

from keyturn.errors import ConfigurationError
from keyturn.server.configuration.problem import environment_name
from keyturn.server.settings import Purpose, Settings, Source, all_names

ENVIRONMENT = {
    "KEYTURN_ISSUER": "https://auth.example.com",
    "KEYTURN_ACCESS_TOKEN_AUDIENCE": "https://api.example.com",
    "KEYTURN_KEYS_MASTER_KEY": MASTER_KEY,
}

CONTRACT = {
    "issuer", "server.host", "server.port", "server.workers", "server.trusted_proxies", "server.cors_origins",
    "server.metrics_from", "server.tls_cert", "server.tls_key", "database.url", "database.pooler", "redis.url",
    "access_token.lifetime", "access_token.audience", "access_token.algorithm", "refresh_token.lifetime",
    "refresh_token.idle", "refresh_token.grace", "roles", "keys.master_key", "keys.rotate_every",
    "keys.publish_ahead", "password.min_length", "password.memory_kib", "password.time_cost", "password.parallelism",
    "password.concurrency", "password.breach_check", "password.breach_url",
    "rate_limit.login_per_ip", "rate_limit.login_per_account", "rate_limit.login_per_device",
    "rate_limit.refresh_per_session", "rate_limit.token_per_client", "registration.mode", "device.binding",
    "device.address", "cookie.same_site", "log.level", "log.format", "danger.allow_http",
}  # fmt: skip

DEFAULTS = {
    "server.host": "127.0.0.1",
    "server.port": "8080",
    "access_token.lifetime": "10m",
    "access_token.algorithm": "ES256",
    "refresh_token.lifetime": "30d",
    "refresh_token.idle": "7d",
    "refresh_token.grace": "60s",
    "keys.rotate_every": "30d",
    "keys.publish_ahead": "1d",
    "password.min_length": "12",
    "password.memory_kib": "19456",
    "password.breach_check": "off",
    "password.breach_url": "https://api.pwnedpasswords.com/range/",
    "rate_limit.login_per_ip": "5/1m",
    "rate_limit.refresh_per_session": "30/1m",
    "registration.mode": "closed",
    "device.binding": "observe",
    "cookie.same_site": "strict",
    "log.level": "info",
    "danger.allow_http": "false",
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run where no configuration file lies about."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def load(environ: dict[str, str] | None = None, **flags: Any) -> Settings:
    """Load them from *environ* and *flags* alone, and from files here."""
    return Settings.load(environ=environ or {}, **flags)


def listed(settings: Settings, name: str) -> tuple[str, Source]:
    """Return a setting as it is shown, and its source."""
    return next((line.value, line.source) for line in settings.listing() if line.name == name)


def refusal(environ: dict[str, str] | None = None, **flags: Any) -> str:
    """Return what is said when they are refused."""
    with pytest.raises(ConfigurationError) as refused:
        load(environ, **flags)
    return str(refused.value)


def test_the_settings_are_those_of_the_documentation() -> None:
    """Every name, and no other."""
    assert set(all_names()) == CONTRACT


def test_no_two_settings_share_an_environment_variable() -> None:
    """Sections and keys are joined by one underscore, and stay distinct."""
    names = [environment_name(name) for name in all_names()]

    assert len(set(names)) == len(names)
    assert environment_name("refresh_token.grace") == "KEYTURN_REFRESH_TOKEN_GRACE"
    assert not any(name.endswith("_FILE") for name in names)


def test_every_default_is_the_documented_one() -> None:
    """And its source is called that."""
    settings = load(ENVIRONMENT)

    assert {name: listed(settings, name)[0] for name in DEFAULTS} == DEFAULTS
    assert listed(settings, "server.port")[1] is Source.DEFAULT


def test_a_flag_goes_before_the_environment_before_the_file(elsewhere: Path) -> None:
    """Each value is shown with where it came from."""
    (elsewhere / "keyturn.toml").write_text('[server]\nport = 1\nhost = "::1"\n[log]\nlevel = "error"\n')
    environ = ENVIRONMENT | {"KEYTURN_SERVER_PORT": "2", "KEYTURN_SERVER_HOST": "127.0.0.2"}

    settings = load(environ, server={"port": 3})

    assert listed(settings, "server.port") == ("3", Source.FLAG)
    assert listed(settings, "server.host") == ("127.0.0.2", Source.ENVIRONMENT)
    assert listed(settings, "log.level") == ("error", Source.FILE)


def test_the_file_may_be_named_by_a_flag_or_in_the_environment(elsewhere: Path) -> None:
    """The flag counts."""
    (elsewhere / "a.toml").write_text("[server]\nport = 1\n")
    (elsewhere / "b.toml").write_text("[server]\nport = 2\n")
    environ = ENVIRONMENT | {"KEYTURN_CONFIG": "a.toml"}

    assert load(environ).server.port == 1
    assert load(environ, config=elsewhere / "b.toml").server.port == 2


def test_a_named_file_that_is_not_there_stops_the_start() -> None:
    """Nobody runs on defaults by a typing error."""
    assert "nowhere.toml can't be read" in refusal(ENVIRONMENT | {"KEYTURN_CONFIG": "nowhere.toml"})


def test_a_broken_file_is_told_with_the_line(elsewhere: Path) -> None:
    """TOML's own complaint is passed on."""
    (elsewhere / "keyturn.toml").write_text("issuer = ")

    assert "keyturn.toml is not TOML: Invalid value (at end of document)" in refusal()


@pytest.mark.parametrize("text", ["a, b", '["a","b"]', "a,b,", '[ "a" , "b" ]'])
def test_a_list_in_the_environment_is_json_or_comma_separated(text: str) -> None:
    """Both spellings are taken."""
    assert load(ENVIRONMENT | {"KEYTURN_ACCESS_TOKEN_AUDIENCE": text}).access_token.audience == ("a", "b")


def test_roles_in_the_environment_are_a_json_object() -> None:
    """They replace those of the file as a whole: a role that was taken away stays away."""
    Path("keyturn.toml").write_text('[roles]\nadmin = ["all"]\n')

    settings = load(ENVIRONMENT | {"KEYTURN_ROLES": '{"user": ["orders:read"]}'})

    assert settings.roles == {"user": ("orders:read",)}


def test_grace_is_kept_in_milliseconds() -> None:
    """REF-05: half a second is not zero."""
    assert load(ENVIRONMENT | {"KEYTURN_REFRESH_TOKEN_GRACE": "500ms"}).refresh_token.grace.milliseconds == 500


def test_an_unknown_key_in_the_file_names_the_nearest_real_one() -> None:
    """A misspelt setting never just does not count."""
    Path("keyturn.toml").write_text(
        'isuer = "x"\n[refresh_token]\ngrase = "1s"\n[cookies]\nsame_site = "lax"\n[servr]\nport = 1\n'
    )

    sentence = refusal(ENVIRONMENT)

    assert "isuer: there is no such setting (in keyturn.toml). Did you mean issuer?" in sentence
    assert (
        "refresh_token.grase: there is no such setting (in keyturn.toml). Did you mean refresh_token.grace?" in sentence
    )
    assert "cookies.same_site: there is no such setting (in keyturn.toml). Did you mean cookie.same_site?" in sentence
    assert "servr.port: there is no such setting (in keyturn.toml). Did you mean server.port?" in sentence


def test_a_section_that_is_no_table_is_refused() -> None:
    """It names no setting; the sentence shows the right way."""
    Path("keyturn.toml").write_text('server = "here"\n')

    assert "server: there is no such setting (in keyturn.toml). It is a section: write [server]" in refusal(ENVIRONMENT)


def test_an_unknown_variable_is_only_a_warning() -> None:
    """Orchestrators inject such names: KEYTURN_PORT for a service called keyturn."""
    settings = load(ENVIRONMENT | {"KEYTURN_PORT": "tcp://10.0.0.1:80", "KEYTURN_SERVER_PROT": "1", "KEYTURN_X": ""})

    assert [warning.split(":")[0] for warning in settings.warnings] == [
        "KEYTURN_PORT",
        "KEYTURN_SERVER_PROT",
        "KEYTURN_X",
    ]
    assert "Did you mean KEYTURN_SERVER_PORT?" in settings.warnings[1]


def test_a_refusal_names_the_variables_that_did_not_count() -> None:
    """Whoever misspelt KEYTURN_ISSUER reads so below "it has no default"."""
    misspelt = {name.replace("ISSUER", "ISUER"): value for name, value in ENVIRONMENT.items()}

    lines = refusal(misspelt, purpose=Purpose.SERVE).split("\n")

    assert [line.split(":")[0] for line in lines] == ["issuer (KEYTURN_ISSUER)", "KEYTURN_ISUER"]
    assert lines[1].endswith("Did you mean KEYTURN_ISSUER?")


def test_a_setting_without_effect_is_a_warning_where_it_was_changed() -> None:
    """Nobody counts on a limit that limits nothing."""
    limits = {"KEYTURN_RATE_LIMIT_TOKEN_PER_CLIENT": "5/1m"}

    assert load(ENVIRONMENT).warnings == ()
    assert load(ENVIRONMENT, rate_limit={"token_per_client": "600/1m"}).warnings == ()
    (warning,) = load(ENVIRONMENT | limits).warnings
    assert warning.startswith("rate_limit.token_per_client (KEYTURN_RATE_LIMIT_TOKEN_PER_CLIENT): it has no effect")


def test_an_unknown_flag_is_a_mistake() -> None:
    """It comes from code."""
    assert "server.prot: there is no such setting (as a flag). Did you mean server.port?" in refusal(
        ENVIRONMENT, server={"prot": 1}
    )


def test_all_problems_are_told_at_once() -> None:
    """Malformed, missing and unsafe ones together, each with its environment twin, none for what a broken one hides."""
    sentences = refusal(
        {
            "KEYTURN_SERVER_PORT": "high",
            "KEYTURN_ISSUER": "http://auth.example.com",
            "KEYTURN_REFRESH_TOKEN_LIFETIME": "long",
            "KEYTURN_REFRESH_TOKEN_IDLE": "60d",
        }
    ).split("\n")

    assert [line.split(":")[0] for line in sentences] == [
        "server.port (KEYTURN_SERVER_PORT)",
        "refresh_token.lifetime (KEYTURN_REFRESH_TOKEN_LIFETIME)",
        "access_token.audience (KEYTURN_ACCESS_TOKEN_AUDIENCE)",
        "keys.master_key (KEYTURN_KEYS_MASTER_KEY)",
        "issuer (KEYTURN_ISSUER)",
    ]


@pytest.mark.parametrize(
    ("variable", "text", "sentence"),
    [
        ("KEYTURN_SERVER_PORT", "70000", "less than or equal to 65535"),
        ("KEYTURN_SERVER_PORT", "", "valid integer"),
        ("KEYTURN_PASSWORD_MIN_LENGTH", "7", "greater than or equal to 8"),
        ("KEYTURN_PASSWORD_BREACH_CHECK", "true", "'off' or 'on'"),
        ("KEYTURN_PASSWORD_BREACH_URL", "http://breaches.example.com/range/", "write https://host/path/"),
        ("KEYTURN_PASSWORD_BREACH_URL", "https://user@breaches.example.com/range/", "write https://host/path/"),
        ("KEYTURN_PASSWORD_BREACH_URL", "https://breaches.example.com/range", "end it with a slash"),
        ("KEYTURN_COOKIE_SAME_SITE", "none", "'strict' or 'lax'"),
        ("KEYTURN_DEVICE_BINDING", "maybe", "'off', 'observe' or 'enforce'"),
        ("KEYTURN_REGISTRATION_MODE", "invite", "'open' or 'closed'"),
        ("KEYTURN_LOG_LEVEL", "loud", "'debug', 'info', 'warning' or 'error'"),
        ("KEYTURN_DANGER_ALLOW_HTTP", "perhaps", "valid boolean"),
        ("KEYTURN_RATE_LIMIT_LOGIN_PER_IP", "5 per minute", "such as '5/1m'"),
        ("KEYTURN_ACCESS_TOKEN_LIFETIME", "600", "such as '10m'"),
        ("KEYTURN_ROLES", '["user"]', "write a table"),
        ("KEYTURN_ROLES", "{", "begins like JSON"),
        ("KEYTURN_ACCESS_TOKEN_AUDIENCE", "[", "begins like JSON"),
        ("KEYTURN_SERVER_TRUSTED_PROXIES", "10.0.0.1/8", "no bits behind the prefix"),
        ("KEYTURN_SERVER_TRUSTED_PROXIES", "proxy.local", "each is a network"),
        ("KEYTURN_SERVER_TRUSTED_PROXIES", "0.0.0.0/0", "trust everybody"),
        ("KEYTURN_SERVER_METRICS_FROM", "::/0", "trust everybody"),
    ],
)
def test_a_value_that_can_not_be_read_is_refused_by_name(variable: str, text: str, sentence: str) -> None:
    """The sentence names the variable and what would be right."""
    found = refusal(ENVIRONMENT | {variable: text})

    assert f"({variable}): " in found
    assert sentence in found


def test_a_number_is_no_duration_in_the_file() -> None:
    """600 what? The unit is written."""
    Path("keyturn.toml").write_text("[access_token]\nlifetime = 600\n")

    assert "write it as a text in quotes" in refusal(ENVIRONMENT)


def test_a_secret_is_in_no_text_of_the_settings() -> None:
    """A57: neither the listing nor a representation shows the master key, whichever way it came."""
    settings = load(ENVIRONMENT)

    assert MASTER_KEY not in repr(settings)
    assert MASTER_KEY not in str(settings.listing())
    assert listed(settings, "keys.master_key") == ("********", Source.ENVIRONMENT)


def test_a_refused_secret_is_in_no_sentence() -> None:
    """A57: also when it is what is wrong."""
    secret = "correct-horse-battery-staple"

    assert secret not in refusal(ENVIRONMENT | {"KEYTURN_KEYS_MASTER_KEY": secret})
    with pytest.raises(ValueError, match="master_key") as refused:
        Settings(keys={"master_key": [secret]})  # type: ignore[arg-type]
    assert secret not in str(refused.value)


def test_what_is_missing_depends_on_the_purpose() -> None:
    """A command beside the server needs no issuer; a server does."""
    assert load(purpose=Purpose.ADMINISTER).issuer == ""
    for purpose in (Purpose.EMBED, Purpose.SERVE):
        sentences = refusal(purpose=purpose)
        assert "issuer (KEYTURN_ISSUER): it has no default" in sentences
        assert "access_token.audience (KEYTURN_ACCESS_TOKEN_AUDIENCE): it has no default" in sentences
        assert "keys.master_key (KEYTURN_KEYS_MASTER_KEY): it has no default" in sentences


def test_settings_made_in_code_are_checked_too() -> None:
    """An app that builds them itself gets the same refusals when it uses them."""
    settings = Settings(**COMPLETE).model_copy(update={"issuer": "http://auth.example.com"})

    with pytest.raises(ConfigurationError, match="plain HTTP"):
        settings.check(Purpose.EMBED)


def test_plain_text_to_redis_across_a_network_is_a_warning() -> None:
    """OPS-06: of any of several hosts; this machine, a network of containers and TLS need none."""

    def told(url: str) -> tuple[str, ...]:
        return load(ENVIRONMENT, redis={"url": url}).warnings

    for url in ("redis://:pw@127.0.0.1:6379", "rediss://:pw@cache.example.com", "redis://:pw@valkey:6379"):
        assert told(url) == ()
    (warning,) = told("redis+sentinel://:pw@127.0.0.1,cache.example.com/main")
    assert warning.startswith("redis.url (KEYTURN_REDIS_URL): its password and all else crosses the network in plain")
