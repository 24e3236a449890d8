"""Findings as lines for people, coloured on a terminal, and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import orjson

from app.doctor.finding import Finding, Level

_COLOURS = {Level.OK: "32", Level.NOTE: "36", Level.WARNING: "33", Level.MUST: "1;31"}
_MARKS = {Level.OK: "ok", Level.NOTE: "note", Level.WARNING: "warning", Level.MUST: "MUST"}
MARK_WIDTH = max(map(len, _MARKS.values()))


def lines(findings: Sequence[Finding], *, coloured: bool) -> Iterator[str]:
    """One for each finding, and one for all."""
    width = max((len(finding.check) for finding in findings), default=0)
    for finding in findings:
        mark = f"{_MARKS[finding.level]:<{MARK_WIDTH}}"
        if coloured:
            mark = f"\x1b[{_COLOURS[finding.level]}m{mark}\x1b[0m"
        says = f"{finding.says}; {finding.do}" if finding.do else finding.says
        # What a file or a server is called may be anything: it moves nobody's cursor.
        yield f"{mark}  {finding.check:<{width}}  {''.join(c if c.isprintable() else '?' for c in says)}"
    yield summary(findings)


def summary(findings: Iterable[Finding]) -> str:
    levels = [finding.level for finding in findings]
    musts, warnings = levels.count(Level.MUST), levels.count(Level.WARNING)
    if not musts and not warnings:
        return "all is well"
    things = f"{musts} thing{'s' * (musts != 1)} must be done" if musts else "nothing must be done"
    return f"{things}, {warnings} warning{'s' * (warnings != 1)}"


def as_json(findings: Sequence[Finding], version: str) -> bytes:
    """`{"version", "findings": [{"check", "level", "says", "do"}]}`."""
    told = [
        {"check": finding.check, "level": finding.level.value, "says": finding.says, "do": finding.do}
        for finding in findings
    ]
    return orjson.dumps({"version": version, "findings": told}, option=orjson.OPT_INDENT_2)
