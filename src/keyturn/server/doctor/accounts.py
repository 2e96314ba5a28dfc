"""Checks of passwords, limits and roles, as they are set."""

from typing import Final

from keyturn.core.policy import RegistrationMode
from keyturn.server.configuration.durations import Limit
from keyturn.server.configuration.rules_tokens import OWASP_MINIMA
from keyturn.server.doctor.findings import Chapter, Check, Sentences, Severity
from keyturn.server.settings import LogLevel, Settings

LEAST_LENGTH: Final = 15
"""Characters of a password that is the only thing asked for."""

MOST_PER_ADDRESS: Final = 60
"""Logins a minute from one address that are still somebody's typing, several people's even."""

MOST_PER_ACCOUNT: Final = 100
"""Guesses that may be made in a row before an account is given a rest."""

LEAST_PER_ACCOUNT: Final = 3
LEAST_REFRESHES: Final = 5


def _password_short(settings: Settings) -> Sentences:
    if settings.password.min_length < LEAST_LENGTH:
        yield f"password.min_length is {settings.password.min_length}; NIST asks for {LEAST_LENGTH}, or 8 with MFA."


def _hash_weak(settings: Settings) -> Sentences:
    chosen = settings.password
    if not any(chosen.memory_kib >= memory and chosen.time_cost >= passes for memory, passes in OWASP_MINIMA):
        yield f"password.memory_kib is {chosen.memory_kib} and password.time_cost {chosen.time_cost}."


def _registration_open(settings: Settings) -> Sentences:
    if settings.registration.mode is RegistrationMode.OPEN:
        yield "registration.mode is open."


def _address_loose(settings: Settings) -> Sentences:
    limit = settings.rate_limit.login_per_ip
    if limit.count > MOST_PER_ADDRESS or _per_minute(limit) > MOST_PER_ADDRESS:
        yield f"rate_limit.login_per_ip is {limit}."


def _account_loose(settings: Settings) -> Sentences:
    for name in ("login_per_account", "login_per_device"):
        limit = getattr(settings.rate_limit, name)
        if limit.count > MOST_PER_ACCOUNT or _per_minute(limit) * 60 > MOST_PER_ACCOUNT:
            yield f"rate_limit.{name} is {limit}."


def _account_tight(settings: Settings) -> Sentences:
    for name in ("login_per_account", "login_per_device"):
        limit = getattr(settings.rate_limit, name)
        if limit.count < LEAST_PER_ACCOUNT:
            yield f"rate_limit.{name} is {limit}."


def _refresh_tight(settings: Settings) -> Sentences:
    limit = settings.rate_limit.refresh_per_session
    if limit.count < LEAST_REFRESHES:
        yield f"rate_limit.refresh_per_session is {limit}."


def _roles_none(settings: Settings) -> Sentences:
    if not settings.roles:
        yield "[roles] is empty."


def _role_empty(settings: Settings) -> Sentences:
    for role, scopes in settings.roles.items():
        if not scopes:
            yield f"[roles] {role} gives no scope."


def _log_debug(settings: Settings) -> Sentences:
    if settings.log.level is LogLevel.DEBUG:
        yield "log.level is debug."


def _per_minute(limit: Limit) -> float:
    return limit.count * 60_000 / limit.period.milliseconds


CHAPTER: Final = Chapter(
    name="accounts",
    title="Passwords, limits, roles",
    subject=Settings,
    checks=(
        Check(
            id="password-short",
            severity=Severity.LOW,
            meaning="Where a password alone lets users in, a shorter one may be found from a stolen hash.",
            mend="Set password.min_length to 15. It holds for new passwords.",
            reference="PWD-02; NIST SP 800-63B-4 §3.1.1.2",
            judge=_password_short,
        ),
        Check(
            id="hash-weak",
            severity=Severity.HIGH,
            meaning="Who steals the database finds passwords at a fraction of the usual cost.",
            mend="Use password.memory_kib = 19456 and password.time_cost = 2, or more.",
            reference="PWD-01; OWASP Password Storage Cheat Sheet",
            judge=_hash_weak,
        ),
        Check(
            id="registration-open",
            severity=Severity.LOW,
            meaning="Anybody can make accounts, and find out which names are taken, as fast as login_per_ip lets them.",
            mend='Set registration.mode to "closed", unless this is what you want.',
            reference="PWD-04; PWD-11",
            judge=_registration_open,
        ),
        Check(
            id="limit-address-loose",
            severity=Severity.MEDIUM,
            meaning="One machine can try passwords faster than people type, at one account after another.",
            mend='Set rate_limit.login_per_ip to "5/1m", or a little more where many people share an address.',
            reference="PWD-06; OWASP ASVS 5.0 6.3.1",
            judge=_address_loose,
        ),
        Check(
            id="limit-account-loose",
            severity=Severity.MEDIUM,
            meaning="An account can be guessed at more than a hundred times an hour, from any number of addresses.",
            mend='Set rate_limit.login_per_account and login_per_device to "10/15m".',
            reference="PWD-05; NIST SP 800-63B-4 §3.2.2",
            judge=_account_loose,
        ),
        Check(
            id="limit-account-tight",
            severity=Severity.LOW,
            meaning="Two slips of the finger, or a stranger's two guesses, and the user has to wait.",
            mend='Set rate_limit.login_per_account and login_per_device to "10/15m".',
            reference="PWD-07",
            judge=_account_tight,
        ),
        Check(
            id="limit-refresh-tight",
            severity=Severity.LOW,
            meaning="Some tabs that are opened at once already meet the limit.",
            mend='Set rate_limit.refresh_per_session to "30/1m".',
            reference="REF-05",
            judge=_refresh_tight,
        ),
        Check(
            id="roles-none",
            severity=Severity.INFO,
            meaning="Tokens carry no scopes: a route that requires one refuses everybody.",
            mend='Write what each role may do: [roles] user = ["orders:read"].',
            reference="OPS-01",
            judge=_roles_none,
        ),
        Check(
            id="role-empty",
            severity=Severity.LOW,
            meaning="Users with this role alone get tokens that open nothing.",
            mend="Give the role scopes in [roles], or remove it.",
            reference="OPS-01",
            judge=_role_empty,
        ),
        Check(
            id="log-debug",
            severity=Severity.LOW,
            meaning="Logs grow fast. They hold no secret at this level either, but more about people than they need.",
            mend='Set log.level to "info".',
            reference="OPS-03; OWASP Logging Cheat Sheet",
            judge=_log_debug,
        ),
    ),
)
