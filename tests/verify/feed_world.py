"""An issuer on loopback that publishes keys and revocations, and lies about them as a test wants it to."""

import gc
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from keyturn import Verifier
from keyturn.testing import TestIssuer
from keyturn.tokens import revocation_feed
from keyturn.tokens.revocation import CUT_OFF_KINDS, RevocationEntry, RevocationKind, digest
from keyturn.tokens.revocation_feed import Page
from keyturn.verify.feed.follower import FeedFollower

AUDIENCE = "https://api.test"


def eventually(true: Callable[[], bool], *, within: float = 20) -> None:
    """Wait until *true* is."""
    end = time.monotonic() + within
    while not true():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.01)


def follower_of(verifier: Verifier) -> FeedFollower:
    """Return what follows for *verifier*."""
    assert verifier._feed is not None
    return verifier._feed


def threads() -> int:
    """Count the threads that follow a feed."""
    return sum(thread.name == "keyturn-revocations" for thread in threading.enumerate())


def wait_for_no_threads() -> None:
    """Wait until none is left. What another test let go of without closing it may still wait for the collector."""
    gc.collect()
    eventually(lambda: threads() == 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One question to the feed."""

    after: int | None
    wait: int
    port: int


class Feed:
    """The feed and the keys of *issuer*. ``alter`` changes each page before it is signed, ``sign`` signs it."""

    def __init__(self, issuer: TestIssuer) -> None:
        self.issuer = issuer
        self.entries: list[RevocationEntry] = []
        self.seq = 1000
        self.page_size = revocation_feed.MAX_ENTRIES
        self.down = False
        self.asked: list[Asked] = []
        self.key_fetches = 0
        self.jwks: Callable[[], dict[str, Any]] = lambda: issuer.jwks
        self.alter: Callable[[Page], Page] = lambda page: page
        self.sign: Callable[[Page], str] = lambda page: revocation_feed.sign(page, issuer._keys[0])
        self._news = threading.Condition()

    def revoke(self, kind: str, value: str, *, lasts: int = 600) -> None:
        """Publish a revocation, a second after all that was revoked before."""
        named = RevocationKind(kind)
        now = int(time.time())
        with self._news:
            self.seq += 1
            self.entries.append(
                RevocationEntry(
                    seq=self.seq,
                    kind=named,
                    digest=digest(named, value),
                    before=now if named in CUT_OFF_KINDS else None,
                    expires_at=now + lasts,
                )
            )
            self._news.notify_all()

    def wake(self) -> None:
        """Answer whoever waits."""
        with self._news:
            self._news.notify_all()

    def behave(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        url = urlsplit(handler.path)
        if url.path.endswith("/jwks.json"):
            self.key_fetches += 1
            _send(handler, json.dumps(self.jwks()).encode(), "application/jwk-set+json")
            return
        query = {name: int(values[0]) for name, values in parse_qs(url.query).items()}
        asked = Asked(after=query.get("after"), wait=query.get("wait", 0), port=handler.client_address[1])
        self.asked.append(asked)
        if self.down:
            handler.send_error(503)
            return
        self._wait(asked)
        _send(handler, self.sign(self.alter(self.page(asked.after))).encode(), "application/revocations+jwt")

    def page(self, after: int | None) -> Page:
        """Return the honest page behind *after*."""
        behind = -1 if after is None or after > self.seq else after
        entries = [entry for entry in self.entries if entry.seq > behind]
        shown = tuple(entries[: self.page_size])
        more = len(shown) < len(entries)
        seq = shown[-1].seq if more else self.seq
        return Page(issuer=self.issuer.issuer, issued_at=int(time.time()), seq=seq, more=more, entries=shown)

    def _wait(self, asked: Asked) -> None:
        with self._news:
            self._news.wait_for(lambda: self.seq != asked.after, timeout=asked.wait)


def shifted(seconds: float) -> Callable[[Page], Page]:
    """Return what dates a page as a server would whose clock is off by *seconds*."""
    return lambda page: replace(page, issued_at=int(page.issued_at + seconds))


def _send(handler: BaseHTTPRequestHandler, body: bytes, media_type: str) -> None:
    handler.close_connection = False
    handler.send_response(200)
    handler.send_header("Content-Type", media_type)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
