"""How every contender's front is served: as Keepstream's is, by one uvicorn process on uvloop and httptools."""

from __future__ import annotations

import sys

import uvicorn
from starlette.types import ASGIApp


def serve(application: ASGIApp) -> None:
    """Serves on the port that the command line names, until SIGTERM."""
    uvicorn.run(
        application,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        ws="none",
        log_level="warning",
        access_log=False,
        backlog=4096,
        timeout_graceful_shutdown=1,
    )
