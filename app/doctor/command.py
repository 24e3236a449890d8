"""The `keepstream doctor` command: settings in, findings out, an exit code.

The rule: it ends when it has said what it has to say, whatever still hangs.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace

from app.doctor.checks import CHECKS, MEASURES, SETTINGS
from app.doctor.examination import examine
from app.doctor.finding import Finding, Level, must
from app.doctor.patient import Patient
from app.doctor.printed import as_json, lines
from app.settings import Settings, SettingsError
from app.version import our_version

DESCRIPTION = """\
Looks at a deployment from where it is run, with the settings of its environment, and says line by line what is so and
what to do about it: settings, files, certificate, Redis, the Claude API, clocks, file descriptors, the other processes.
Run it where a front or a worker runs, as the same user. It changes nothing. Exit code 1 where something must be done,
0 where there are only warnings.
"""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="keepstream doctor", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    options = parser.parse_args(argv)
    # No `asyncio.run`: it would wait for a thread that a hanging disk or a name keeps.
    findings = asyncio.new_event_loop().run_until_complete(findings_of(os.environ))
    ours = our_version()
    if options.json:
        sys.stdout.write(as_json(findings, ours).decode() + "\n")
    else:
        sys.stdout.write(
            f"keepstream {ours}\n" + "".join(f"{line}\n" for line in lines(findings, coloured=_coloured()))
        )
    sys.stdout.flush()
    status = int(any(finding.level is Level.MUST for finding in findings))
    if any(thread.name.startswith("asyncio_") for thread in threading.enumerate()):
        os._exit(status)  # likewise Python's own end
    return status


async def findings_of(environ: Mapping[str, str]) -> list[Finding]:
    try:
        settings = Settings.from_env(environ)
    except SettingsError as error:
        return [replace(must(str(error), "nothing else can be looked at until then"), check=SETTINGS)]
    async with Patient(settings, environ) as patient:
        return await examine(patient, CHECKS, MEASURES)


def _coloured() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
