"""A case: one flaw, what it means, how to mend it, and the shots that find it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from keyturn.attack.material import Material
from keyturn.attack.model import Need, Severity, Shot

Forge = Callable[[Material], Iterable[Shot]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One flaw to look for.

    Attributes:
        id: its name, in reports and on the command line.
        title: what the target does if it has the flaw.
        severity: how bad that is.
        meaning: what a thief gets.
        mend: what to do.
        reference: the RFC, or a vulnerability that was this.
        need: what has to be handed over.
        forge: makes the shots; None for a case that is not played by shots at a route.
        control: makes shots that must be refused, else the case says nothing here; None where there are none.
        control_means: what follows where one is accepted.
        covered_by: flaws that contain this one: where one of them was found, this is not looked for.

    """

    id: str
    title: str
    severity: Severity
    meaning: str
    mend: str
    reference: str
    need: Need
    forge: Forge | None = None
    control: Forge | None = None
    control_means: str = ""
    covered_by: tuple[str, ...] = ()
