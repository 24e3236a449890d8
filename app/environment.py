"""What stands in an environment or in a setting, judged by how it looks. Pure."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

_SERVICE_LINK = re.compile(
    r"KEEPSTREAM_(.*_)?(SERVICE_(HOST|PORT(_.+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)"
)


def is_service_link(name: str, value: str) -> bool:
    """Whether a variable is what Kubernetes or Docker tells of a service whose name begins with ours."""
    if not _SERVICE_LINK.fullmatch(name):
        return False
    return name != "KEEPSTREAM_PORT" or "://" in value


def is_origin(text: str) -> bool:
    """Whether a browser could ever send this as an `Origin`: a scheme, a host, and a port that is not the usual one."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    if not parts.scheme or not parts.hostname or "@" in parts.netloc or "*" in text or not text.isascii():
        return False
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    usual = port is None or port == {"http": 80, "https": 443}.get(parts.scheme)
    return text == f"{parts.scheme}://{host}{'' if usual else f':{port}'}"


def is_loopback(name: str) -> bool:
    """Whether a host's name or address, without a port, can only be this machine's."""
    name = name.lower().removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False
