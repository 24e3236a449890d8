"""What one front, one worker and one Redis hold: the figures of `app/docs/sizing.md`, measured on this machine.

    python -m tests.bench.sizing                     all of them, about six minutes; prints the rows of the page
    python -m tests.bench.sizing --only readers      one of them, three minutes at the most
    python -m tests.bench.sizing --write             puts what was measured into the page, and reckons its tables anew

Real processes on the loopback interface, each ended by its pid. What is printed goes into the page as it stands.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

from tests.bench.machine import in_short
from tests.bench.sizing import active, flowing, holding, page, scripts
from tests.bench.sizing.formula import Figures, figures

# Each gives figures by the names that the page has for them, and may give a table; it may need figures that are there.
GROUPS: dict[str, Callable[[Figures], Figures | tuple[Figures, str]]] = {
    "readers": holding.readers,
    "streams": holding.streams,
    "kept": holding.kept,
    "flow": flowing.events,
    "scripts": scripts.of_queue,
    "starts": flowing.starts,
    "active": active.most,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.sizing", description=__doc__)
    parser.add_argument("--only", action="append", choices=list(GROUPS), help="only these (may be repeated)")
    parser.add_argument("--write", action="store_true", help="put what was measured into the page")
    parser.add_argument("--reckon", action="store_true", help="measure nothing: reckon the page's tables anew")
    options = parser.parse_args()
    text, start = page.PAGE.read_text(), time.monotonic()
    known, measured, tables = dict(figures(text)), dict[str, float](), dict[str, str]()
    where = "" if options.reckon else in_short()
    for name in [] if options.reckon else options.only or list(GROUPS):
        sys.stderr.write(f"{time.monotonic() - start:6.1f} s  {name}\n")
        given = GROUPS[name](known)
        found, table = given if isinstance(given, tuple) else (given, "")
        known |= found
        measured |= found
        text = page.with_figures(text, found)
        sys.stdout.write("".join(f"{row}\n" for row in page.rows(text) if row.split("`")[1] in found))
        if table:
            tables[name] = table
            sys.stdout.write(f"\n{table}")
        sys.stdout.flush()
    if options.write or options.reckon:
        text = page.with_figures(page.PAGE.read_text(), measured)
        if where:
            text = page.between(text, "measured on", f"On {where}.\n")
        for name, table in tables.items():
            text = page.between(text, name, table)
        page.PAGE.write_text(page.with_tables(text))
    return 0


if __name__ == "__main__":
    sys.exit(main())
