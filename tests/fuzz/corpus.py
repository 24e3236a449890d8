"""The targets and their corpora: a file of Python's own bytes literals for each, an input a line.

The rule: a corpus is a few KiB that can be read. What is known stays, and what is added shows something new.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Callable, Iterable
from pathlib import Path
from random import Random

from tests.fuzz.mutating import Bytewise

ROOT = Path(__file__).resolve().parents[2]
KEPT = Path(__file__).with_name("corpora")
TARGETS = sorted(file.stem for file in (Path(__file__).parent / "targets").glob("[a-z]*.py"))
# Of an input; longer ones find little more, and are hard to read.
LENGTH_MAX = 512
CORPUS_BYTES = 6 * 1024


def check_of(target: str) -> Callable[[bytes], None]:
    check: Callable[[bytes], None] = importlib.import_module(f"tests.fuzz.targets.{target}").check
    return check


def mutate_of(target: str) -> Callable[[bytes, int, Random, Bytewise], bytes] | None:
    """How an input of it is changed, as far as it says so (`mutating.py`)."""
    return getattr(importlib.import_module(f"tests.fuzz.targets.{target}"), "mutate", None)


def inputs_of(target: str) -> list[bytes]:
    file = KEPT / f"{target}.txt"
    return [ast.literal_eval(line) for line in file.read_text().splitlines()] if file.exists() else []


def lay_out(inputs: Iterable[bytes], folder: Path) -> None:
    folder.mkdir()
    for n, data in enumerate(inputs):
        (folder / f"{n:04}").write_bytes(data)


def keep(target: str, inputs: Iterable[bytes]) -> None:
    """Adds as many of them as there is room for, the small ones first."""
    known = inputs_of(target)
    lines = [repr(data) for data in known]
    room = CORPUS_BYTES - sum(len(line) + 1 for line in lines)
    for data in sorted(set(inputs) - set(known), key=lambda data: (len(data), data)):
        line = repr(data)
        room -= len(line) + 1
        if room < 0:
            break
        lines.append(line)
    (KEPT / f"{target}.txt").write_text("\n".join(lines) + "\n")
