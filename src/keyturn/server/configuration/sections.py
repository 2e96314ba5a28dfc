"""The sections of ``keyturn.toml``: every setting's name, type and default. What is unsafe is in ``settings_rules``."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from keyturn.core.policy import Enforcement, RegistrationMode
from keyturn.server.configuration.durations import Duration, Limit
from keyturn.server.configuration.values import DurationSetting, LimitSetting, Networks, Text, Texts
from keyturn.tokens.algorithms import Algorithm


class LogLevel(StrEnum):
    """The least urgent log lines that are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How log lines look; ``auto`` is for people on a terminal and JSON elsewhere."""

    AUTO = "auto"
    CONSOLE = "console"
    JSON = "json"


class Switch(StrEnum):
    """Whether something is done that others may see."""

    OFF = "off"
    ON = "on"


class Section(BaseModel):
    """A table of settings. It never changes, and takes no key it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Server(Section):
    """``[server]``: where it listens, and whom it believes what they say about others."""

    host: Text = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    trusted_proxies: Networks = ()
    cors_origins: Texts = ()
    metrics_from: Networks = ()
    tls_cert: Text = ""
    tls_key: Text = ""


class Database(Section):
    """``[database]``: where everything is kept."""

    url: Annotated[Text, Field(repr=False)] = "sqlite:///.keyturn/keyturn.db"
    pooler: Text = ""


class Redis(Section):
    """``[redis]``: what makes an installation faster, and which it can do without."""

    url: Annotated[Text, Field(repr=False)] = ""


class AccessToken(Section):
    """``[access_token]``; the first audience is what a token is for unless another is asked for."""

    lifetime: DurationSetting = Duration.parse("10m")
    audience: Texts = ()
    algorithm: Algorithm = Algorithm.ES256


class RefreshToken(Section):
    """``[refresh_token]``: a session's absolute end, its idle end, and how long a lost answer can be had again."""

    lifetime: DurationSetting = Duration.parse("30d")
    idle: DurationSetting = Duration.parse("7d")
    grace: DurationSetting = Duration.parse("60s")


class Keys(Section):
    """``[keys]``: the secret that everything hangs on, and how often signing keys change."""

    master_key: SecretStr = SecretStr("")
    rotate_every: DurationSetting = Duration.parse("30d")
    publish_ahead: DurationSetting = Duration.parse("1d")


class Password(Section):
    """``[password]``: what is taken as a new one, and argon2id's parameters; concurrency 0 is cores - 1."""

    min_length: Annotated[int, Field(ge=8, le=64)] = 12
    memory_kib: Annotated[int, Field(ge=1, le=1024 * 1024)] = 19456
    time_cost: Annotated[int, Field(ge=1, le=100)] = 2
    parallelism: Annotated[int, Field(ge=1, le=16)] = 1
    concurrency: Annotated[int, Field(ge=0, le=256)] = 0
    breach_check: Switch = Switch.OFF
    breach_url: Text = "https://api.pwnedpasswords.com/range/"


class RateLimit(Section):
    """``[rate_limit]``."""

    login_per_ip: LimitSetting = Limit.parse("5/1m")
    login_per_account: LimitSetting = Limit.parse("10/15m")
    login_per_device: LimitSetting = Limit.parse("10/15m")
    refresh_per_session: LimitSetting = Limit.parse("30/1m")
    token_per_client: LimitSetting = Limit.parse("600/1m")


class Registration(Section):
    """``[registration]``."""

    mode: RegistrationMode = RegistrationMode.CLOSED


class DeviceSection(Section):
    """``[device]``: what a change of the device or of its network does to a session."""

    binding: Enforcement = Enforcement.OBSERVE
    address: Enforcement = Enforcement.OBSERVE


class Cookie(Section):
    """``[cookie]``."""

    same_site: Literal["strict", "lax"] = "strict"


class Log(Section):
    """``[log]``."""

    level: LogLevel = LogLevel.INFO
    format: LogFormat = LogFormat.AUTO


class Danger(Section):
    """``[danger]``: what makes an installation unsafe."""

    allow_http: bool = False
