"""Why there is no answer: an exception of the way to the upstream as a failure.

The rule: causes are told apart, because each has another cure. What a user is told names no host and no address; the
`detail`, which only the log has, names them, and never quotes what a library says: it may hold a proxy's password.
"""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator

import aiohttp
from aiohttp import http_exceptions

from worker.upstream.failure import LOST, Failure, of_connection

_UNROUTED = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN})
_DEPTH = 10


def cause_of(error: BaseException, host: str) -> Failure:
    """The failure that `error` is on the way to `host`, by whatever lies beneath it."""
    chain = list(_chain(error))
    detail = _detail(chain)
    return of_connection(_sentence(chain, host) or LOST.message, detail)


def _sentence(chain: list[BaseException], host: str) -> str | None:
    return next((told for one in chain if (told := _of_proxy(one, host) or _of_address(one))), None)


def _of_proxy(error: BaseException, host: str) -> str | None:
    match error:
        case aiohttp.ClientHttpProxyError():
            return f"the proxy on the way to the Claude API refuses (status {error.status})"
        case aiohttp.ClientProxyConnectionError():
            return "the proxy on the way to the Claude API cannot be reached"
        case aiohttp.ClientConnectorError() if error.host != host:
            return "the proxy on the way to the Claude API, or where it sends us, cannot be reached"
    return None


def _of_address(error: BaseException) -> str | None:
    match error:
        case ssl.SSLCertVerificationError(verify_message=str(words)):
            return f"the certificate of the Claude API's address is not trusted: {words}"
        case ssl.SSLCertVerificationError():  # what aiohttp makes of it; the other one lies beneath
            return None
        case ssl.SSLError():
            return "the Claude API's address does not speak TLS as we do (https:// where http:// is meant?)"
        case socket.gaierror():
            return "the name of the Claude API's address cannot be resolved"
        case ConnectionRefusedError():
            return "the Claude API's address refuses the connection"
        case OSError() if error.errno in _UNROUTED:
            return "there is no way to the Claude API's address"
        case http_exceptions.BadStatusLine():
            return "what answers at the Claude API's address does not speak HTTP (http:// where https:// is meant?)"
    return None


def _detail(chain: list[BaseException]) -> str:
    """The innermost class, and the place that could not be reached."""
    places = [f"{one.host}:{one.port}" for one in chain if isinstance(one, aiohttp.ClientConnectorError)]
    return " ".join([type(chain[-1]).__name__, *places[:1]])


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """What was raised from what, the outermost first."""
    for _ in range(_DEPTH):
        if error is None:
            return
        yield error
        error = error.__cause__
