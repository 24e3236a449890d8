"""Those that are built in."""

from __future__ import annotations

from worker.tools.builtin.calculator import calculator
from worker.tools.builtin.clock import clock
from worker.tools.functions.decorator import Options
from worker.tools.functions.runnable import runnable_of
from worker.tools.toolbox import Runnable


def built_in() -> list[Runnable]:
    return [runnable_of(function, Options(repeatable=True)) for function in (clock, calculator)]
