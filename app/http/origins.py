"""Whose page is asking: what a browser says of where a request comes from, judged.

Pure. The law (design-access.md §6): what changes anything is refused to a page that is neither our own nor of an
origin that the settings name; where nobody is asked for a key, we answer to the names of this machine alone, so that no
name that is pointed here makes a stranger's page our own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from app.environment import is_called
from app.http import remaining

# In a scope: the answer is a stream of events; whether a comment may stand behind what was written of it.
SSE = "keepstream.sse"

# What an answer cost and how long it took: app/faces/base/measured.py.
MEASURED_HEADERS = ("x-keepstream-cost-usd", "server-timing")
# Where a reader of a Durable Stream stands: app/faces/durable/view.py.
STREAM_HEADERS = ("stream-next-offset", "stream-up-to-date", "stream-cursor", "stream-closed")
EXPOSED_HEADERS = ", ".join(
    (
        *("request-id", "retry-after", "location", "etag", "x-keepstream-id", "x-resumable-stream-id"),
        *(*MEASURED_HEADERS, *STREAM_HEADERS, *remaining.HEADERS),
    )
)
HEALTH = frozenset({"/healthz", "/readyz"})
SAFE = frozenset({"GET", "HEAD"})
_DEFAULT_PORTS = {"http": 80, "https": 443}

Field = tuple[bytes, bytes]


def share(origins: Collection[str], asked: Iterable[Field]) -> list[Field]:
    """The CORS fields of any answer to a request with these fields."""
    if not origins:
        return []
    origin = next((value for name, value in asked if name == b"origin"), b"")
    fields = [(b"vary", b"Origin")]
    if origin.decode("latin-1") in origins:
        fields += [
            (b"access-control-allow-origin", origin),
            (b"access-control-expose-headers", EXPOSED_HEADERS.encode()),
        ]
    return fields


def foreign_page(method: str, headers: Headers, origins: Collection[str], hosts: Collection[str]) -> bool:
    """Whether a page that is neither ours nor allowed asks for more than to look."""
    if method in SAFE:
        return False
    site = headers.get("sec-fetch-site")  # no page can write it
    claimed = headers.getlist("origin")
    if not claimed:
        return site in ("cross-site", "same-site")
    return not all(origin in origins or site == "same-origin" or _is_own(origin, headers, hosts) for origin in claimed)


def own_page(headers: Headers, hosts: Collection[str], *, secure: bool) -> bool:
    """Whether it is shown that a page of ours asks; where its request is `secure`, one that came over https as well."""
    claimed = headers.getlist("origin")
    if secure and not all(origin.startswith("https:") for origin in claimed):
        return False  # whoever is on the way can write such a page, and has our name
    is_near = headers.get("sec-fetch-site") == "same-origin"
    return bool(claimed) and all(is_near or _is_own(origin, headers, hosts) for origin in claimed)


def foreign_host(headers: Headers, hosts: Collection[str]) -> bool:
    """Whether we are called by a name that is none of this machine's, nor one of `hosts`."""
    return not is_called(headers.getlist("host"), hosts)


def _is_own(origin: str, headers: Headers, hosts: Collection[str]) -> bool:
    """Whether an origin is where we are: by the name that the client calls us, whichever proxy stands between."""
    try:
        parts = urlsplit(origin)
        theirs = (parts.hostname or "", parts.port or _DEFAULT_PORTS.get(parts.scheme))
    except ValueError:
        return False
    if parts.scheme not in _DEFAULT_PORTS or not theirs[0]:
        return False
    if theirs[0] in hosts:
        return True
    # A page of another site can set neither without asking first, and is told no.
    named = [*headers.getlist("host"), *headers.getlist("x-forwarded-host")]
    return any(theirs == _place(host.strip(), parts.scheme) for host in named)


def _place(host: str, scheme: str) -> tuple[str, int | None]:
    try:
        parts = urlsplit(f"//{host}")
        return parts.hostname or "", parts.port or _DEFAULT_PORTS.get(scheme)
    except ValueError:
        return "", None
