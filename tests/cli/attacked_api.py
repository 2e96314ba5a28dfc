"""A small API on a port of this machine, sound or not, which keeps every request that comes."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final

from keyturn.attack.material import read_token
from keyturn.errors import InvalidToken
from keyturn.testing import TestIssuer

ISSUER: Final = "https://auth.example.com"
AUDIENCE: Final = "https://api.example.com"


class AttackedApi:
    """``/orders`` verifies, ``/none`` believes unsigned tokens too, ``/public`` asks for nothing, ``/echo`` repeats.

    Nothing is answered at ``/silent``, whatever comes.

    Attributes:
        issuer: whose tokens it takes.
        requests: the method and path of each request.
        tokens: each token that came.
        servers: the URLs that its description names.

    """

    def __init__(self) -> None:
        self.issuer = TestIssuer(ISSUER, AUDIENCE)
        self.verifier = self.issuer.verifier()
        self.requests: list[str] = []
        self.tokens: set[str] = set()
        self.url = ""
        self.servers = ["https://elsewhere.invalid/v9"]

    def answer(self, method: str, path: str, authorization: str) -> tuple[int, Any]:
        """Return a status and a JSON value."""
        documents = {"/jwks": self.issuer.jwks, "/openapi.json": self.description()}
        if path in documents:
            return 200, documents[path]
        scheme, _, token = authorization.partition(" ")
        token = token if scheme.lower() == "bearer" else ""
        if path == "/public" or (path in {"/orders", "/none", "/echo"} and self._believes(path, token)):
            return 200, {"said": authorization} if path == "/echo" else {"orders": []}
        return (401 if path in {"/orders", "/none", "/echo"} else 404), {
            "error": authorization if path == "/echo" else ""
        }

    def description(self) -> dict[str, Any]:
        """Return its OpenAPI document."""
        token = {"security": [{"token": []}]}
        return {
            "openapi": "3.1.0",
            "servers": [{"url": url} for url in self.servers],
            "paths": {"/orders": {"get": token, "post": token}, "/public": {"get": {"security": []}}},
            "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        }

    def _believes(self, path: str, token: str) -> bool:
        if path == "/none" and read_token(token)[0].get("alg") == "none":
            return True
        try:
            self.verifier.verify(token)
        except InvalidToken:
            return False
        return True


@contextmanager
def serving() -> Iterator[AttackedApi]:
    """Serve one as long as the ``with`` runs."""
    api = AttackedApi()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet, or each answer waits for an acknowledgement

        def do_GET(self) -> None:
            authorization = ", ".join(self.headers.get_all("Authorization", []))
            path = self.path.partition("?")[0]
            api.requests.append(f"{self.command} {self.path}")
            api.tokens.add(authorization.removeprefix("Bearer "))
            if path == "/silent":
                self.close_connection = True
                return
            status, value = api.answer(self.command, path, authorization)
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if status == 401:
                self.send_header("WWW-Authenticate", "Bearer")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_HEAD = do_POST = do_GET  # noqa: N815 - likewise

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - likewise
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        api.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield api
        finally:
            server.shutdown()
            thread.join()
