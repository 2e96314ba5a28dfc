"""What changed between the device a session began on and the one that uses it now."""

from dataclasses import dataclass

from keyturn.core.model import AuditKind, Device, EndReason
from keyturn.core.policy import Enforcement, Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that changed, and what the operator wants done about it."""

    rule: Enforcement
    audit_kind: AuditKind
    end_reason: EndReason
    description: str


def changes(before: Device, after: Device, policy: Policy) -> tuple[Change, ...]:
    """Return what changed, as far as the operator wants to know."""
    found = []
    if before.browser != after.browser:
        found.append(
            Change(
                rule=policy.device_binding,
                audit_kind=AuditKind.DEVICE_CHANGED,
                end_reason=EndReason.DEVICE_CHANGED,
                description=f"{before.browser} to {after.browser}",
            )
        )
    if before.address != after.address:
        found.append(
            Change(
                rule=policy.device_address,
                audit_kind=AuditKind.ADDRESS_CHANGED,
                end_reason=EndReason.ADDRESS_CHANGED,
                description=f"{before.address} to {after.address}",
            )
        )
    return tuple(change for change in found if change.rule is not Enforcement.OFF)
