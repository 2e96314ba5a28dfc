"""A web server on loopback that answers as badly as a test wants it to."""

import contextlib
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

Behave = Callable[[BaseHTTPRequestHandler], None]


class Web:
    """A server on loopback whose one answer is ``behave``, which may be swapped at any time."""

    def __init__(self) -> None:
        self.behave: Behave = lambda handler: handler.send_error(500)
        self.requests: list[str] = []
        self.over = threading.Event()
        web = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version: ClassVar[str] = "HTTP/1.1"

            def do_GET(self) -> None:
                web.requests.append(self.path)
                self.close_connection = True
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the client had enough
                    web.behave(self)

            def log_message(self, *_args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """End what is still being answered, and the server."""
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def answer(body: bytes, *, status: int = 200, **headers: str) -> Behave:
    """Return a behaviour: one whole answer; ``content_type=…`` sets Content-Type, and so on."""
    named = {"content_type": "application/jwk-set+json", "content_length": str(len(body))} | headers

    def behave(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in named.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return behave
