"""How a request goes out: to which address, with which headers, and how long one waits. Pure."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import httpx

from ..core.credentials import Access
from ..core.request import Request, address_of
from ..version import __version__

AGENT = f"keepstream-python/{__version__} httpx/{httpx.__version__} python/{sys.version_info[0]}.{sys.version_info[1]}"
THIS_MACHINE = ("all://127.0.0.1", "all://localhost", "all://[::1]")


def beside_a_proxy() -> dict[str, None]:
    """No proxy is asked for what runs on this machine, whatever the environment says."""
    return dict.fromkeys(THIS_MACHINE)


@dataclass(frozen=True, slots=True)
class Sending:
    """`base`: the server's address; `seconds`: for how long nothing may come."""

    base: str
    seconds: float

    def arguments(self, request: Request[Any], access: Access) -> dict[str, Any]:
        """What `httpx`' `build_request` takes. Raises `ValueError` for what cannot be sent."""
        address = httpx.URL(address_of(self.base, request.path))
        if params := {**request.params, **access.params()}:
            address = address.copy_merge_params(params)
        return {
            "method": request.method,
            "url": address,
            "content": request.content,
            "headers": {"user-agent": AGENT, **access.headers(), **request.headers},
            # httpx' read time-out counts from byte to byte, so pings count as life.
            "timeout": self.seconds if request.seconds is None else request.seconds,
        }
