"""Is the token asked for on every way in, and taken from one place alone (RFC 6750 §2, RFC 9110 §11)?"""

from collections.abc import Iterator
from typing import Final

from keyturn.attack.case import Case
from keyturn.attack.malformed import malformed
from keyturn.attack.material import Material
from keyturn.attack.model import Need, Severity, Shot, bearer


def _missing_check(material: Material) -> Iterator[Shot]:
    yield Shot(variant="no token")
    yield Shot(variant="an empty token", authorization=("Bearer",))
    yield bearer("some text", f"keyturn-attack-{material.name()}")
    yield Shot(variant="a password for nobody", authorization=("Basic Og==",))
    for variant, text in malformed():
        yield bearer(variant, text)


def _token_in_query(material: Material) -> Iterator[Shot]:
    for name in ("access_token", "token", "jwt"):
        yield Shot(variant=name, query=((name, material.good),))


def _doubled_header(material: Material) -> Iterator[Shot]:
    good, bad = f"Bearer {material.good}", f"Bearer keyturn-attack-{material.name()}"
    yield Shot(variant="good, then bad", authorization=(good, bad))
    yield Shot(variant="bad, then good", authorization=(bad, good))
    yield Shot(variant="good, then bad, in one line", authorization=(f"{good}, {bad}",))


def _scheme_confusion(material: Material) -> Iterator[Shot]:
    for scheme in ("Token", "JWT", "Basic", "Bearer:", "BearerX"):
        yield Shot(variant=f"scheme {scheme}", authorization=(f"{scheme} {material.good}",))
    yield Shot(variant="no scheme", authorization=(material.good,))
    yield Shot(variant="no blank after Bearer", authorization=(f"Bearer{material.good}",))


def _method_bypass(material: Material) -> Iterator[Shot]:
    if material.route.method == "GET":
        yield Shot(variant="HEAD", method="HEAD")
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        for other in ("OPTIONS", "HEAD"):
            yield Shot(variant=f"{name}: {other}", headers=((name, other),))


def _path_bypass(material: Material) -> Iterator[Shot]:
    path, mark, query = material.route.path.partition("?")
    last = path.rpartition("/")[2]
    for variant, other in (
        ("a slash at the end", f"{path.rstrip('/')}/"),
        ("a doubled slash", f"/{path}"),
        ("a doubled slash inside", f"{path[: len(path) - len(last)]}/{last}"),
        (
            "an encoded letter",
            f"{path[: len(path) - len(last)]}{''.join(f'%{ord(c):02x}' for c in last[:1])}{last[1:]}",
        ),
        ("in capitals", path.upper()),
        ("an encoded dot", f"{path[: len(path) - len(last)]}%2e/{last}"),
        ("an encoded slash", f"/{path[1:].replace('/', '%2f')}"),
        ("a step back", f"/keyturn-attack/..%2f{path[1:]}"),
        ("a parameter of the path", f"{path};a=b"),
        ("a suffix", f"{path}.json"),
        ("a blank at the end", f"{path}%20"),
    ):
        if other != path:
            yield Shot(variant=variant, path=f"{other}{mark}{query}")
    for name in ("X-Original-URL", "X-Rewrite-URL"):
        yield Shot(variant=name, path="/", headers=((name, material.route.path),))


def _nowhere(material: Material) -> Iterator[Shot]:
    yield Shot(variant="a path that does not exist", path=f"/keyturn-attack-{material.name()}")


_PLAIN: Final = "Refuse every request without a good token before anything else; make that the default, not an option."

CASES: Final = (
    Case(
        id="missing-check",
        title="No good token is needed",
        severity=Severity.HIGH,
        meaning="Everybody is served. Nothing else could be judged on this route.",
        mend=_PLAIN,
        reference="RFC 6750 §3, OWASP API2:2023",
        need=Need.NOTHING,
        forge=_missing_check,
    ),
    Case(
        id="method-bypass",
        title="Another method needs no token",
        severity=Severity.HIGH,
        meaning="The check stands before one method, and the same handler answers another, or a header renames it.",
        mend=_PLAIN,
        reference="RFC 9110 §9.3.2",
        need=Need.NOTHING,
        forge=_method_bypass,
    ),
    Case(
        id="path-bypass",
        title="Another spelling of the path needs no token",
        severity=Severity.HIGH,
        meaning="The check compares the path as a text, and the router reads it differently.",
        mend="Check in the handler, or after routing; where a proxy checks, have it refuse what is not normal.",
        reference="RFC 3986 §6.2.2, CWE-647",
        need=Need.NOTHING,
        forge=_path_bypass,
        control=_nowhere,
        control_means="Every path is answered, also one that does not exist.",
    ),
    Case(
        id="token-in-query",
        title="A token in the URL is accepted",
        severity=Severity.MEDIUM,
        meaning="URLs are kept in logs, histories and `Referer` headers, and the token with them.",
        mend="Take the token from the `Authorization` header alone.",
        reference="RFC 9700 §4.3.2, RFC 6750 §5.3",
        need=Need.TOKEN,
        forge=_token_in_query,
    ),
    Case(
        id="doubled-header",
        title="Two `Authorization` headers are accepted",
        severity=Severity.LOW,
        meaning="A proxy checks the one and the API takes the other.",
        mend="Answer a second `Authorization` header, or a second token in one, with 400.",
        reference="RFC 9110 §5.3, RFC 6750 §3.1",
        need=Need.TOKEN,
        forge=_doubled_header,
    ),
    Case(
        id="scheme-confusion",
        title="A token under another scheme is accepted",
        severity=Severity.LOW,
        meaning="What filters bearer tokens, such as a proxy or a log's mask, does not see this one.",
        mend="Require the scheme `Bearer`, in any letters, a blank, and the token.",
        reference="RFC 6750 §2.1, RFC 9110 §11.4",
        need=Need.TOKEN,
        forge=_scheme_confusion,
    ),
)
