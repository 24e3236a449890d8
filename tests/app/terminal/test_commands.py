"""`keepstream cancel --all`, where the server shows a few streams at a time and ends some only when asked again."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app.terminal import commands

SHOWN_MOST = 2


class Server(ThreadingHTTPServer):
    """Its first streams are a dead worker's: they end with the second word of it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.streams = ["st_1", "st_2", "st_3", "st_4", "st_5"]
        self.asked: Counter[str] = Counter()

    def cancel(self, stream_id: str) -> None:
        self.asked[stream_id] += 1
        if self.asked[stream_id] > (stream_id in ("st_1", "st_2")):
            self.streams.remove(stream_id)


class Answering(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        rows = [{"id": one, "state": "queued"} for one in self.server.streams[:SHOWN_MOST]]
        self._answer({"data": [*rows, {"id": "st_0", "state": "ended"}]})

    def do_POST(self) -> None:
        self.server.cancel(self.path.split("/")[3])
        self._answer({"state": "queued"})

    def _answer(self, said: object) -> None:
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield server
        server.shutdown()


async def test_whoever_has_not_ended_is_asked_again_and_makes_room_for_the_next(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(commands, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(commands, "STOP_SECONDS", 1.0)
    url = f"http://127.0.0.1:{server.server_port}"
    assert await asyncio.to_thread(commands.cancel, ["--all", "--url", url]) == 0
    assert (capsys.readouterr().out, server.streams) == ("5 cancelled\n", [])
    assert server.asked == {"st_1": 2, "st_2": 2, "st_3": 1, "st_4": 1, "st_5": 1}
