"""The `keepstream worker` command: settings in, an exit code out.

Imports nothing heavy: a wrong setting is told before the rest of the worker is loaded.
"""

from __future__ import annotations

import argparse
import gc
import os
import secrets
import socket
import sys

from app.settings import Settings, SettingsError, unknown
from app.signals import end_at_once
from app.stream.errors import UnfitServerError
from app.stream.observing import tell
from app.watch.events import of_processes
from app.watch.logs.foreign import quieten
from app.watch.wiring import watching

DESCRIPTION = """\
Runs queued prompts against the Claude API and writes every event to the stream's log. Takes its settings from the
environment, prints `ready` when it takes streams, and logs to stderr. SIGTERM: takes nothing new, lets streams finish
for KEEPSTREAM_DRAIN_SECONDS, hands the rest over, exits 0; a second SIGTERM hands over at once.
"""
BAD_SETTINGS = 2


def main(argv: list[str] | None = None) -> int:
    """Runs until SIGTERM or SIGINT; then 0. 2 for settings or a server that cannot be used."""
    parser = argparse.ArgumentParser(
        prog="keepstream worker", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args(argv)
    try:
        settings = Settings.from_env(os.environ)
        if settings.anthropic_api_key is None and settings.anthropic_base_url is None:
            raise SettingsError("ANTHROPIC_API_KEY must be set: the worker calls the Claude API with it")  # noqa: TRY301
        name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
        with watching(settings, "worker", name, os.environ) as watch:
            for setting in unknown(os.environ):
                tell(of_processes.SettingIgnored(setting))

            # The SDK alone is three thousand modules, and they stay: to look for garbage among them, over and over,
            # would be a third of the start.
            gc.disable()
            from worker.process import run  # noqa: PLC0415  # see the module
            from worker.tools.kit import kit_of  # noqa: PLC0415

            gc.freeze()
            gc.enable()
            from worker.tools.running.threads import are_left  # noqa: PLC0415  # likewise

            kit = kit_of(settings, os.environ)
            quieten()  # once they are loaded, for the SDK sets its own level from the environment
            run(settings, watch, kit)
    except (SettingsError, UnfitServerError) as error:
        sys.stderr.write(f"keepstream worker: {error}\n")
        return BAD_SETTINGS
    if are_left():  # a tool runs that nobody can end
        end_at_once(0)
    return 0
