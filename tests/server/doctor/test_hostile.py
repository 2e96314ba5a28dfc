"""An issuer that answers with nonsense is judged all the same: no check raises, and what is told stays short."""

import json
from random import Random
from typing import Any

import pytest
from doctor_world import KEY, NOW, date, jwks, metadata, published, told

from keyturn.cli.output import printable
from keyturn.server.doctor import catalogue
from keyturn.server.doctor.examination import Observed, Report, examine
from keyturn.server.doctor.published import Answer, Probe, Published

SEED = 20_261_129
LONG = "x" * 100_000
ODD: list[Any] = [None, True, 0, -1, 1e300, 10**30, "", LONG, "\x1b[31m\n", "\ud800", [], {}, [[]], [{}], {"a": []}]
HEADERS = ["", "max-age=" + "9" * 9, "max-age=" + "9" * 5000, LONG, "\x00", "=;=;,", '"', "a=b; Path", "²", "-1"]


def examined(subject: Published) -> Report:
    """Return what is wrong with an issuer."""
    return examine(catalogue.CHAPTERS, Observed(subjects={Published: subject}, reasons={}))


def assert_told_well(report: Report) -> None:
    """Assert that nothing that a stranger wrote is long, or moves a terminal's cursor."""
    for each in report.findings:
        assert len(each.seen) < 1000, each.check.id
        assert printable(each.seen).isprintable()


def body_of(value: object) -> bytes:
    """Return *value* in JSON."""
    return json.dumps(value).encode()


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: repr(odd)[:12])
def test_odd_members(odd: Any) -> None:
    """Whatever stands in the place of a member of the metadata or of a key."""
    for name in metadata():
        assert_told_well(examined(published({Probe.METADATA: told(**{name: odd})})))
    for name in (*KEY.public.to_jwk(), "key_ops", "d", "k", "n"):
        assert_told_well(examined(published({Probe.KEYS: jwks({**KEY.public.to_jwk(), name: odd})})))
        bare = {"kty": "EC", "crv": "P-256"} | {name: odd}
        assert_told_well(examined(published({Probe.KEYS: jwks(bare)})))


@pytest.mark.parametrize("probe", Probe)
def test_odd_bodies(probe: Probe) -> None:
    """Whatever is answered, to whatever question."""
    for odd in (*map(body_of, ODD), b"", b"\xff\xfe", b"{" * 100_000, b"a.b.c", b'{"keys":[1,{"kty":[]}]}'):
        for status in (0, 200, 301, 503):
            assert_told_well(examined(published({probe: Answer(status=status, body=odd)})))


def test_odd_headers() -> None:
    """Whatever stands in a header that is read."""
    random = Random(SEED)
    names = ["date", "age", "cache-control", "content-type", "set-cookie", "strict-transport-security", "server"]
    names += ["location", "access-control-allow-origin", "access-control-allow-credentials", "x-powered-by"]
    values = [*HEADERS, date()["date"], "Fri, 31 Dec 0000 23:59:59 GMT", "Fri, 31 Dec 9999 23:59:59 -9999"]
    for _ in range(2000):
        headers = tuple((random.choice(names), random.choice(values)) for _ in range(8))
        probe = random.choice(list(Probe))
        sound = published().answered(probe)
        answer = Answer(status=200, headers=headers, body=sound.body, at_ms=NOW * 1000)
        try:
            assert_told_well(examined(published({probe: answer})))
        except BaseException as error:
            error.add_note(f"seed {SEED}: {probe} {headers}")
            raise
