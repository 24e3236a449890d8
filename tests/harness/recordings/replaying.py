"""An upstream of the tests' own, that answers `POST /v1/messages` with the recorded stream that the prompt names."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self

# Small enough that events and letters are torn apart.
PART_BYTES = 61


class Replaying:
    """Serves `streams` by their names on a free port of the loopback interface, within `with`."""

    def __init__(self, streams: Mapping[str, bytes]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                stream = streams[body["messages"][0]["content"]]
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.end_headers()
                for start in range(0, len(stream), PART_BYTES):
                    self.wfile.write(stream[start : start + PART_BYTES])

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
