"""Login: reserve the limits, check the password, start the session, sign.

Whatever is refused looks the same outside; the private reason goes to the audit log. What was reserved is given
back when the password was right, or when it could not be judged.
"""

from dataclasses import dataclass, field
from typing import NoReturn

from keyturn.core import usernames
from keyturn.core.addresses import network_of, reservations
from keyturn.core.grant import choose_audience, choose_scopes, granted_scopes
from keyturn.core.issue import FIRST_PARTY, Issued, check_cut_off, sign_access_token
from keyturn.core.model import AuditEvent, AuditKind, ClientKind, Device, Origin, Session, User
from keyturn.core.policy import MAX_SESSIONS_PER_USER, REVOCATION_LIFETIME
from keyturn.core.ports import Start
from keyturn.core.ratelimit import Reservation
from keyturn.core.services import Services
from keyturn.errors import InvalidCredentials, InvalidScope, RateLimited, TemporarilyUnavailable
from keyturn.tokens import base64url, device_token, refresh_token
from keyturn.tokens.device_token import DeviceToken


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginRequest:
    """What a login brings.

    Attributes:
        device_token: the device token as it was sent, if any; a bad one only makes the device unknown.

    """

    username: str
    password: str = field(repr=False)
    client: ClientKind
    device_name: str
    scope: tuple[str, ...] | None
    resource: str | None
    device_token: str | None = field(repr=False)
    device: Device
    origin: Origin


async def login(services: Services, request: LoginRequest, *, now_ms: int) -> Issued:
    """Start a session for whoever knows the password.

    Raises:
        InvalidTarget: the resource is not known here.
        RateLimited: too many failures from this address, for this account or on this device.
        InvalidCredentials: wrong password, unknown or disabled user.
        InvalidScope: more scope than the roles give.
        TemporarilyUnavailable: the hasher's queue is full or the store is down; nothing was counted.

    """
    audience = choose_audience(services.policy, of_session=None, requested=request.resource)
    key = services.keyring.signing_key()
    known = _known_device(services, request)
    limits = login_limits(services, request.username, request.origin.address, known)
    await _reserve(services, limits, now_ms)
    user = await _authenticate(services, request, limits, now_ms)
    scopes = await _scopes(services, user, request, limits, now_ms)
    session = _new_session(services, user, request, known, now_ms)
    order = _start_order(session, user, request, limits, now_ms)
    if not await services.store.sessions.start(order):
        await _refuse(services, request, InvalidCredentials("changed_meanwhile", sub=user.sub), now_ms)
    await services.denylist.catch_up()
    text, expires_in = await sign_access_token(
        services, key=key, user=user, session=session, scopes=scopes, audience=audience, now_ms=now_ms
    )
    return Issued(
        access_token=text,
        expires_in=expires_in,
        scopes=scopes,
        session=session,
        refresh_token=refresh_token.issue(
            services.master_keys.current.refresh_token_key, handle=session.handle, generation=session.generation
        ),
        device_token=device_token.issue(
            services.master_keys.current.device_token_key,
            device_id=session.device_id,
            sub=usernames.normalise(request.username),
        ),
    )


def login_limits(services: Services, username: str, address: str, known: DeviceToken | None) -> tuple[Reservation, ...]:
    """Return what a try to log in draws on: the known device, or else the account and the address.

    Neither strangers who guess at the account nor neighbours behind the same address use up what a known device has.
    All known devices of an account together have ten times what one has: whoever once knew the password may have
    made many.
    """
    account = usernames.normalise(username)
    if known is None:
        by_address = reservations("login", address, services.policy.login_per_ip)
        return (*by_address, Reservation(key=f"account:{account}", rate=services.policy.login_per_account))
    rate = services.policy.login_per_device
    own = Reservation(key=f"device:{known.device_id.hex()}:{account}", rate=rate)
    return (own, Reservation(key=f"devices:{account}", rate=rate.times(10)))


def _known_device(services: Services, request: LoginRequest) -> DeviceToken | None:
    device = device_token.parse(request.device_token, services.master_keys.device_token_keys)
    if device is None or not device_token.belongs_to(device, usernames.normalise(request.username)):
        return None
    return device


async def _reserve(services: Services, limits: tuple[Reservation, ...], now_ms: int) -> None:
    wait = await services.store.rate_limits.reserve(limits, now_ms)
    if wait:
        raise RateLimited("login", retry_after=wait)


async def _authenticate(
    services: Services, request: LoginRequest, limits: tuple[Reservation, ...], now_ms: int
) -> User:
    try:
        user = await services.users.authenticate(request.username, request.password)
    except InvalidCredentials as refusal:
        await _refuse(services, request, refusal, now_ms)
    except TemporarilyUnavailable:
        await services.store.rate_limits.give_back(limits)
        raise
    if user is None:
        await _refuse(services, request, InvalidCredentials("not_authenticated"), now_ms)
    if user.disabled:
        await _refuse(services, request, InvalidCredentials("user_disabled", sub=user.sub), now_ms)
    return user


async def _refuse(services: Services, request: LoginRequest, refusal: InvalidCredentials, now_ms: int) -> NoReturn:
    event = AuditEvent(
        at_ms=now_ms, kind=AuditKind.LOGIN_REFUSED, sub=refusal.sub, reason=refusal.reason, origin=request.origin
    )
    await services.store.audit.append([event])
    raise refusal


async def _scopes(
    services: Services, user: User, request: LoginRequest, limits: tuple[Reservation, ...], now_ms: int
) -> tuple[str, ...]:
    granted = granted_scopes(user.roles, services.policy.roles)
    try:
        check_cut_off(services, user.sub, now_ms=now_ms)
        return choose_scopes(granted, of_session=None, requested=request.scope)
    except (InvalidScope, TemporarilyUnavailable):
        await services.store.rate_limits.give_back(limits)  # the password was right
        raise


def _new_session(
    services: Services, user: User, request: LoginRequest, known: DeviceToken | None, now_ms: int
) -> Session:
    """Return a session with ids of its own: nothing that was sent before the login survives it, but the device's id."""
    now = now_ms // 1000
    expires_at = now + services.policy.refresh_lifetime
    return Session(
        sid=base64url.encode(services.randomness(16)),
        handle=services.randomness(refresh_token.HANDLE_BYTES),
        sub=user.sub,
        client=request.client,
        client_id=FIRST_PARTY,
        scope=request.scope,
        resource=request.resource,
        generation=1,
        key_id=services.master_keys.current.key_id,
        rotated_at_ms=now_ms,
        auth_time=now,
        created_at=now,
        last_used_at=now,
        expires_at=expires_at,
        idle_expires_at=min(now + services.policy.refresh_idle, expires_at),
        device_id=services.randomness(device_token.DEVICE_ID_BYTES) if known is None else known.device_id,
        device_name=request.device_name,
        device=Device(browser=request.device.browser, os=request.device.os, address=network_of(request.origin.address)),
    )


def _start_order(
    session: Session, user: User, request: LoginRequest, limits: tuple[Reservation, ...], now_ms: int
) -> Start:
    return Start(
        session=session,
        user_version=user.version,
        most=MAX_SESSIONS_PER_USER,
        revocation_expires_at=now_ms // 1000 + REVOCATION_LIFETIME,
        give_back=limits,
        event=AuditEvent(at_ms=now_ms, kind=AuditKind.LOGIN, sub=user.sub, sid=session.sid, origin=request.origin),
    )
