"""Whether what is excused as tested elsewhere is executed there: `python -m tests.elsewhere [a word of its path]`.

For each module of TESTED_ELSEWHERE (tests/layout_exceptions.py) the tests that are named run with this file as their
plugin, and the functions of the module that were called are told from the others. Exits 1 where none was. Only what
runs within the tests' own process is seen: a module whose tests are stories is told as such. Takes minutes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# As the plugin: the modules that are looked at.
ASKED = "KEEPSTREAM_TESTS_ELSEWHERE"
OPTIMIZED = 0x2  # a function's code and no class' or module's: CO_NEWLOCALS
PATIENCE_SECONDS = 600
# Beside the stories, what is about a process as a whole.
PROCESSES = ("tests/worker/test_process.py",)

_called: set[CodeType] = set()


def functions(code: CodeType) -> Iterator[CodeType]:
    """All that are written in there, but for lambdas and comprehensions."""
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            if inner.co_flags & OPTIMIZED and not inner.co_name.startswith("<"):
                yield inner
            yield from functions(inner)


def _note(frame: FrameType, event: str, _: Any) -> None:
    if event == "call":
        _called.add(frame.f_code)


def pytest_sessionfinish() -> None:
    sys.setprofile(None)
    called = {(code.co_filename, code.co_qualname) for code in _called}
    for module in os.environ[ASKED].split(","):
        path = str(ROOT / module)
        names = [code.co_qualname for code in functions(compile(Path(path).read_text(), path, "exec"))]
        missing = [name for name in names if (path, name) not in called]
        sys.stdout.write(f"\nseen {len(names) - len(missing)} of {len(names)} {module}: not {', '.join(missing)}\n")


def main() -> int:
    from tests.layout_exceptions import TESTED_ELSEWHERE  # noqa: PLC0415  # the plugin does without

    modules = defaultdict(list)
    for module, said in TESTED_ELSEWHERE.items():
        if all(word in module for word in sys.argv[1:]):
            modules[said.partition(":")[0]].append(module)
    unseen = 0
    for test, those in modules.items():
        if test in PROCESSES or test.startswith("tests/stories/"):
            sys.stdout.write(f"by real processes: {', '.join(those)} ({test})\n")
            continue
        command = [sys.executable, "-m", "pytest", "-q", "-s", "-n", "0", "-p", "tests.elsewhere", test]
        environment = os.environ | {ASKED: ",".join(those), "PYTHONPATH": str(ROOT)}
        ran = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
        )
        told = [line for line in ran.stdout.splitlines() if line.startswith("seen ")]
        unseen += sum(line.startswith("seen 0 ") for line in told) + (len(told) != len(those))
        sys.stdout.writelines(f"{line} ({test})\n" for line in told or [f"no word of {', '.join(those)}"])
        sys.stdout.flush()
    return 1 if unseen else 0


if __name__ == "__main__":
    sys.exit(main())
elif ASKED in os.environ:
    sys.setprofile(_note)
    threading.setprofile(_note)
