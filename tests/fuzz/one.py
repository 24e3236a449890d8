"""One target under atheris, in a process of its own: `python -m tests.fuzz.one TARGET SCRIPT`, and what libFuzzer
takes. `SCRIPT` is where it finds a command that does the same, with other options: it merges in processes of its own.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from random import Random
from typing import Any

import atheris

from tests.fuzz.corpus import check_of, mutate_of


def main() -> None:
    target, script, *options = sys.argv[1:]
    with atheris.instrument_imports(include=["app", "worker", "uvicorn"], enable_loader_override=False):
        check = check_of(target)
    again = Path(script)
    again.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m tests.fuzz.one {target} {script} "$@"\n')
    again.chmod(0o700)
    atheris.Setup([script, *options], check, **_changing(target))
    atheris.Fuzz()


def _changing(target: str) -> dict[str, Any]:
    """How its inputs are changed, where it knows better than the fuzzer does."""
    mutate = mutate_of(target)
    if mutate is None:
        return {}

    def change(data: bytes, size: int, seed: int) -> bytes:
        made = mutate(data, size, Random(seed), lambda data, size: atheris.Mutate(data[:size], size))  # noqa: S311
        return made[:size]

    return {"custom_mutator": change}


if __name__ == "__main__":
    main()
