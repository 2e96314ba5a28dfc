"""VER-30: no value of ours shows a secret when it is printed, logged or part of an error."""

import dataclasses
import importlib
import pkgutil
from collections.abc import Iterator

import keyturn.core
import keyturn.tokens

SECRET = {
    *("password", "password_hash", "access_token", "refresh_token", "device_token"),
    *("secret", "sealed", "body", "handle", "device_id", "active", "_cipher", "_audit_key", "_private", "master_keys"),
}


def fields() -> Iterator[tuple[str, dataclasses.Field[object]]]:
    """Yield every field of every dataclass of the two rooms, with the name of its class."""
    for room in (keyturn.core, keyturn.tokens):
        for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(value, type) and dataclasses.is_dataclass(value) and value.__module__ == module.name:
                    yield from ((value.__name__, field) for field in dataclasses.fields(value))


def test_no_field_with_a_secret_is_shown() -> None:
    """By its name, unless it counts something: whoever adds such a field meets this test."""
    secret = {(name, field.name): field for name, field in fields() if field.name in SECRET}
    assert {field for _, field in secret} == SECRET
    assert [place for place, field in secret.items() if field.repr and field.type not in (int, dict[str, int])] == []
