"""What is wrong with the settings: which, what, and how to mend it."""

from dataclasses import dataclass

PREFIX = "KEYTURN_"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that stops the start.

    Attributes:
        names: the settings that it is about, the one to mend first; none if it is about something else.
        sentence: what is wrong and what to do; never a secret.

    """

    names: tuple[str, ...]
    sentence: str

    def __str__(self) -> str:
        if not self.names:
            return self.sentence
        name = self.names[0]
        return f"{name} ({environment_name(name)}): {self.sentence}"


def environment_name(name: str) -> str:
    """Return the environment variable of the setting *name*.

    >>> environment_name("refresh_token.grace")
    'KEYTURN_REFRESH_TOKEN_GRACE'
    """
    return PREFIX + name.replace(".", "_").upper()
