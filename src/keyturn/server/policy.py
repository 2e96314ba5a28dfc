"""From what the operator wrote to what the rules see."""

from types import MappingProxyType

from keyturn.core.policy import KeyPolicy, Policy
from keyturn.server.settings import Settings


def policy_of(settings: Settings) -> Policy:
    """Return the decisions in *settings*, as ``core`` takes them."""
    access, refresh, limits = settings.access_token, settings.refresh_token, settings.rate_limit
    return Policy(
        issuer=settings.issuer,
        audiences=access.audience,
        access_lifetime=access.lifetime.seconds,
        refresh_lifetime=refresh.lifetime.seconds,
        refresh_idle=refresh.idle.seconds,
        grace_ms=refresh.grace.milliseconds,
        roles=MappingProxyType(dict(settings.roles)),
        keys=KeyPolicy(
            algorithm=access.algorithm,
            rotate_every=settings.keys.rotate_every.seconds,
            publish_ahead=settings.keys.publish_ahead.seconds,
        ),
        login_per_ip=limits.login_per_ip.rate,
        login_per_account=limits.login_per_account.rate,
        login_per_device=limits.login_per_device.rate,
        refresh_per_session=limits.refresh_per_session.rate,
        device_binding=settings.device.binding,
        device_address=settings.device.address,
        password_min_length=settings.password.min_length,
        registration=settings.registration.mode,
    )
