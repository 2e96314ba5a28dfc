"""Ten million tokens in ``make fuzz``, a share of it here; and proof that the fuzzer finds what it is there for."""

import json
import os
import time
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from campaign import Campaign, keep
from drafts import good_draft, make, read_corpus
from fuzzer import Findings, Fuzzer, broken
from model import Rule
from surfaces import SURFACES, Surface
from target import ALGORITHMS, MAX_SECONDS, forget_verified

from keyturn.tokens import access_token, base64url, jws, jws_header, strict_json
from keyturn.verify.verifier import Verifier

pytestmark = pytest.mark.slow

SHARE_SECONDS = 60


def test_no_token_gets_past_the_verifier(full: bool, seed: int, say: Callable[[str], None]) -> None:
    """VER-29: 0 accepted against the rules, 0 exceptions but InvalidToken, each under 5 ms and 1 MB of memory."""
    if full:
        campaign = Campaign(tokens=10_000_000, processes=2, seed=seed, say=say)
        campaign.run()
        for line in campaign.summary():
            say(line)
        if os.environ.get("KEYTURN_KEEP"):
            say(f"fuzz: {keep(campaign.findings.found)} drafts added to the corpus")
        assert campaign.findings.failures == []
        return
    fuzzer, findings, end = Fuzzer(read_corpus(), seed), Findings(), time.monotonic() + SHARE_SECONDS
    while time.monotonic() < end and not findings.failures:
        findings.add(fuzzer.run(2_000))
    say(f"fuzz: {findings.hostile} hostile, {findings.sound} sound, slowest {findings.slowest * 1000:.2f} ms")
    assert findings.failures == []
    assert findings.hostile > 10_000
    assert findings.sound > 100
    assert findings.slowest < MAX_SECONDS


@pytest.mark.parametrize("surface", SURFACES, ids=lambda surface: surface.name)
def test_nothing_that_reads_raises_what_it_must_not(full: bool, seed: int, surface: Surface) -> None:
    """VER-29: feed pages, key sets, opaque tokens, headers and JSON are taken, or refused in the words of each."""
    surface.read(surface.seed)
    assert surface.fuzz(Random(seed), 30_000 if full else 1_000) == []


def test_the_corpus_is_sound() -> None:
    """Each draft is read as it is written, none has more than 4 KiB, and every rule of the model is broken by one."""
    drafts = [*read_corpus(), *map(good_draft, ALGORITHMS)]
    for draft in drafts:
        assert len(draft.to_json()) < 4096
        assert type(draft).from_json(draft.to_json()) == draft
    assert {broken(draft, make(draft)) for draft in drafts} == {*Rule, None}


def _lenient_base64(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read base64url as lenient decoders do: stray bits after the last byte are dropped."""
    decode = base64url.decode

    def lenient(text: str | bytes) -> bytes:
        data = text.encode() if isinstance(text, str) else text
        last = {2: slice(None, None, 16), 3: slice(None, None, 4)}.get(len(data) & 3)
        if last is not None and data[-1] in base64url.ALPHABET:
            place = base64url.ALPHABET.index(data[-1])
            data = data[:-1] + bytes([base64url.ALPHABET[place - place % (last.step or 1)]])
        return decode(data)

    monkeypatch.setattr(base64url, "decode", lenient)


def _names_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the last of two equal names win."""
    decoder = json.JSONDecoder(parse_float=strict_json._finite, parse_constant=strict_json._no_constant)
    monkeypatch.setattr(strict_json, "_DECODER", decoder)


def _not_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read NaN and Infinity, and numbers that overflow."""
    decoder = json.JSONDecoder(object_pairs_hook=strict_json._unique_names)
    monkeypatch.setattr(strict_json, "_DECODER", decoder)


def _no_audience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take a token for whomever."""
    monkeypatch.setattr(access_token, "_audience", lambda audience, _accepted: tuple(audience))


def _any_type(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take any type of token."""
    monkeypatch.setattr(jws_header, "media_type", lambda _typ: "at+jwt")


def _critical(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ignore a critical extension."""
    monkeypatch.setattr(jws_header, "_FORBIDDEN", jws_header._FORBIDDEN - {"crit"})


def _unsigned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take what nobody signed."""
    monkeypatch.setattr(jws, "verify_with", lambda parsed, _key: parsed.payload)


def _leaking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the parser's own error out."""
    monkeypatch.setattr(strict_json, "_parse", lambda data: json.loads(data.decode("utf-8")))
    monkeypatch.setattr(access_token, "ValueError", KeyError, raising=False)


def _quadratic(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge the size last."""
    verify = Verifier.verify

    def slow(self: Verifier, text: str, **options: Any) -> Any:
        if "." * 1000 in text:
            end = time.thread_time() + 0.006
            while time.thread_time() < end:
                pass
        return verify(self, text, **options)

    monkeypatch.setattr(Verifier, "verify", slow)


def _hoarding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Copy a long token many times over."""
    parse = jws.parse

    def hoard(text: Any, *, max_bytes: int = jws.MAX_TOKEN_BYTES) -> Any:
        copies = bytearray(2**20)
        return parse(text, max_bytes=max_bytes) if copies else None

    monkeypatch.setattr(jws, "parse", hoard)


def _refusing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse what is good: a list as audience."""
    monkeypatch.setattr(access_token, "_roles", lambda roles: access_token._scopes(roles or None))


@pytest.mark.parametrize(
    ("plant", "said"),
    [
        (_lenient_base64, "the rule canonical-base64url"),
        (_names_twice, "the rule duplicate-name"),
        (_not_a_number, "the rule number"),
        (_no_audience, "the rule audience"),
        (_any_type, "the rule typ"),
        (_critical, "the rule crit"),
        (_unsigned, "the rule signature"),
        (_leaking, "instead of InvalidToken"),
        (_quadratic, "ms: "),
        (_hoarding, "bytes: "),
        (_refusing, "refused, though it breaks no rule"),
    ],
)
def test_a_planted_fault_is_found(
    plant: Callable[[pytest.MonkeyPatch], None], said: str, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """A fuzzer that can't find anything proves nothing: each of these it finds within its share."""
    fuzzer = Fuzzer(read_corpus(), seed)
    plant(monkeypatch)
    jws_header.parse_header.cache_clear()
    try:
        findings = _until(fuzzer, said)
    finally:
        jws_header.parse_header.cache_clear()
        forget_verified()
    assert any(said in failure for failure in findings.failures)


def _until(fuzzer: Fuzzer, said: str) -> Findings:
    """Fuzz until a failure says it, for up to 40,000 tokens."""
    findings = Findings()
    while findings.hostile < 40_000 and not any(said in failure for failure in findings.failures):
        findings.add(fuzzer.run(500))
    return findings
