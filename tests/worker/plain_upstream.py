"""An upstream in a thread of its own, made of sockets: it shows the very bytes that came and costs our loop nothing."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import Self

ANSWER = (
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","content":[],"usage":{}}}\n\n'
    b"event: content_block_start\n"
    b'data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n'
    b"event: message_delta\n"
    b'data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}\n\n'
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
)
EVENT_STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"


@dataclass(frozen=True, slots=True)
class Seen:
    """A request: its first line, its headers (names in lower case), its body."""

    line: bytes
    headers: dict[bytes, bytes]
    body: bytes


class PlainUpstream:
    """Answers every request with `answer`, whole bytes from the status line on; without one, with a short message.

    `tls`: speaks it. `hear`: whether a request is read before the answer.
    """

    def __init__(self, answer: bytes | None = None, tls: ssl.SSLContext | None = None, *, hear: bool = True) -> None:
        head = EVENT_STREAM + b"content-length: %d\r\nconnection: close\r\n\r\n" % len(ANSWER)
        self._answer = head + ANSWER if answer is None else answer
        self._tls = tls
        self._hear = hear
        self.seen: list[Seen] = []
        self.port = 0

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, self._tls.wrap_socket(connection, server_side=True) if self._tls else connection as peer:
                if self._hear:
                    self.seen.append(_read(peer))
                peer.sendall(self._answer)
        except OSError:
            return


def _read(peer: socket.socket) -> Seen:
    data = bytearray()
    while b"\r\n\r\n" not in data:
        data += _some(peer)
    head, _, body = bytes(data).partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
    found = re.search(rb"\d+", headers.get(b"content-length", b"0"))
    length, taken = int(found[0]) if found else 0, bytearray(body)
    while len(taken) < length:
        taken += _some(peer)
    return Seen(first, headers, bytes(taken))


def _some(peer: socket.socket) -> bytes:
    data = peer.recv(1 << 20)
    if not data:
        raise ConnectionResetError
    return data
