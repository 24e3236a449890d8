"""Connections to a front that has a certificate, from when they are accepted until their clients have shown that they
speak TLS.

The rule: who says nothing, or something else, counts as any other connection does and is let go in the time that a head
has. Each is greeted with the certificate that is the newest by then. When it speaks TLS it is a connection like any.
The loop's own servers do it alike, but for minutes, and count nobody.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from app.http.connection import bounds
from app.http.connection.crowd import Crowd, Seat
from app.http.connection.protocol import BoundedProtocol
from app.http.connection.tls.certificate import Certificate
from app.stream.concurrency.tasks import Supervised, end

# For a client's own goodbye, after ours: whoever says none is gone without.
GOODBYE_SECONDS = 5.0
# Who comes at once is greeted so many at a time, and then it is others' turn.
GREETED_A_TURN = 16
# Before it is tried again where the system has nothing left to accept with.
PAUSE_SECONDS = 0.1


class Handshakes:
    """Of one listening socket; `make` makes what a connection goes on with. `async with`: it accepts."""

    def __init__(
        self,
        listener: socket.socket,
        certificate: Certificate,
        crowd: Crowd,
        make: Callable[[], BoundedProtocol],
    ) -> None:
        self._listener = listener
        self._certificate = certificate
        self._crowd = crowd
        self._make = make
        self._under_way: set[asyncio.Task[None]] = set()
        self._accepting = Supervised("handshakes", self._accept)

    def start(self) -> None:
        self._listener.setblocking(False)  # noqa: FBT003  # as the socket takes it
        self._accepting.start()

    async def stop(self) -> None:
        """Accepts nobody any more; whoever has asked nothing yet is let go."""
        await self._accepting.stop()
        await end(*self._under_way)

    async def _accept(self) -> None:
        loop, greeted = asyncio.get_running_loop(), 0
        while True:
            try:
                sock, _ = await loop.sock_accept(self._listener)
            except ConnectionError:  # it is gone already
                continue
            except OSError:
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            if (seat := self._crowd.come()) is None:
                sock.close()
            else:
                task = loop.create_task(self._greet(sock, seat), name="handshake")
                self._under_way.add(task)
                task.add_done_callback(self._under_way.discard)
            greeted += 1
            if greeted % GREETED_A_TURN == 0:
                await asyncio.sleep(0)

    async def _greet(self, sock: socket.socket, seat: Seat) -> None:
        protocol = self._make()
        protocol.seat = seat
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: protocol,
                sock,
                ssl=self._certificate.context,
                ssl_handshake_timeout=bounds.HEAD_SECONDS,
                ssl_shutdown_timeout=GOODBYE_SECONDS,
            )
        except OSError:  # what is no TLS, takes too long or is gone
            seat.leave()
        except BaseException:
            seat.leave()
            raise
