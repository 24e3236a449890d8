"""Takes each mechanism away and looks whether the suite goes red: a check that cannot fail is no check.

    make mutations ARGS="fence --write"

Works on a copy of the tree; prints the table of tests/mutations/README.md, and with `--write` keeps it there row by
row. What turned red by that table is tried first, so that a row takes as long as its one test; only where that stays
green, all others are. A mutation that survives is exit code 1.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from tests.mutations.every import MUTATIONS
from tests.mutations.table import HEAD, TABLE, known, row, with_row
from tests.mutations.trying import first_red

ROOT = Path(__file__).resolve().parent.parent.parent
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv*", "__pycache__", "node_modules", ".keepstream", ".*_cache", ".hypothesis"
)


def main() -> int:
    """Runs all mutations, or those whose name or file holds one of the words given."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutations", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("words", nargs="*", help="only those whose name or file holds one of these; without any, all")
    parser.add_argument("--write", action="store_true", help="keep what turned red in the table")
    options = parser.parse_args()
    words = options.words
    chosen = [one for one in MUTATIONS if not words or any(word in one.name or word in one.file for word in words)]
    survivors = 0
    sys.stdout.write(HEAD)
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory) / "tree"
        shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
        for mutation in chosen:
            likely = known(TABLE.read_text()).get(mutation.name, "")
            red = first_red(mutation, copy, likely)
            survivors += red is None
            sys.stdout.write(row(mutation, red) + "\n")
            sys.stdout.flush()
            if options.write:
                TABLE.write_text(with_row(TABLE.read_text(), mutation, red))
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
