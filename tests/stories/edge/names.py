"""A server of names, as the one that every container asks: a service's name has the addresses of its containers.

UDP, and of DNS just what a resolver asks for: A of a name that is known, nothing for AAAA, and no such name else.
"""

from __future__ import annotations

import asyncio
import ipaddress
import struct
from typing import Any, Self

A, IN = 1, 1
ANSWER, NO_SUCH_NAME = 0x8580, 0x8583
SECONDS = 1


class Names(asyncio.DatagramProtocol):
    """`addresses` may be changed at any time."""

    def __init__(self) -> None:
        self.addresses: dict[str, list[str]] = {}

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", 0))
        self.port: int = self._transport.get_extra_info("sockname")[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        end = data.index(b"\0", 12) + 5
        question, kind = data[12:end], struct.unpack("!H", data[end - 4 : end - 2])[0]
        name = question[1 : 1 + question[0]].decode()  # without the domain that a resolver may put behind it
        known = self.addresses.get(name)
        found = [ipaddress.IPv4Address(one).packed for one in known or () if kind == A]
        head = data[:2] + struct.pack("!5H", ANSWER if known is not None else NO_SUCH_NAME, 1, len(found), 0, 0)
        records = (b"\xc0\x0c" + struct.pack("!HHIH", A, IN, SECONDS, 4) + packed for packed in found)
        self._transport.sendto(head + question + b"".join(records), addr)
