"""The log of a process: what a line looks like, which request it belongs to, and what is kept quiet.

The rule: a line says when, how grave, where, and what of ours happened; never the words of an exception (they may quote
what a client sent), and nothing of the libraries below us that is not a warning.
"""

from __future__ import annotations

import logging
import time

from app.watch.events.subjects import request_ids

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s%(ids)s"
# They tell of every call with its whole address, and of each job with its arguments.
LIBRARIES = (
    *("uvicorn", "uvicorn.error", "httpx", "httpcore", "httpx2", "httpcore2", "aiohttp", "asyncio", "redis"),
    *("anthropic", "arq"),
)


class _Formatter(logging.Formatter):
    """Lines with the time in UTC and the ids of the request, where there is one."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def format(self, record: logging.LogRecord) -> str:
        ours, clients = request_ids.get()
        record.ids = (f" request_id={ours}" if ours else "") + (f" client_request_id={clients}" if clients else "")
        return super().format(record)


def configure(level: str) -> None:
    """To standard error, from `level` on."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Formatter(FORMAT))
    logging.basicConfig(level=level.upper(), handlers=[handler])
    quieten()


def quieten() -> None:
    """The libraries below us: warnings alone."""
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)
