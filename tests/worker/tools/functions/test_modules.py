"""Modules of tools: what they have is found, and what is wrong with one is told with what to do."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.settings import SettingsError
from worker.tools.builtin.listed import built_in
from worker.tools.functions.modules import registered
from worker.tools.running.redacted import Redactor

Write = Callable[[str, str], str]
ABOVE = "from worker.tools import keepstream_tool\n"
ONE = f"{ABOVE}@keepstream_tool\ndef one() -> str:\n    'One.'\n    return 'one'\n"


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a module into the directory in which the worker is started."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    monkeypatch.setattr(sys, "modules", dict(sys.modules))

    def written(name: str, text: str) -> str:
        path = tmp_path / f"{name.replace('.', '/')}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return name

    return written


def names(*modules: str) -> list[str]:
    return [runnable.tool.name for runnable in registered(modules, Redactor(["sk-secret"]))]


def refused(*modules: str) -> str:
    with pytest.raises(SettingsError) as refusal:
        registered(modules, Redactor(["sk-secret"]), built_in())
    assert str(refusal.value).startswith("KEEPSTREAM_TOOLS: ")
    assert "sk-secret" not in str(refusal.value)
    return str(refusal.value)


def test_the_functions_of_a_module_are_found_in_their_order(write: Write) -> None:
    write(
        "ks_first", ONE + "@keepstream_tool(name='two')\nasync def other(a: int) -> int:\n    return a\ndef no(): ...\n"
    )
    assert names("ks_first") == ["one", "two"]


def test_a_package_may_show_those_of_its_modules(write: Write) -> None:
    write("ks_pack.inner", ONE)
    write("ks_pack.__init__", "from ks_pack.inner import one\n")
    assert names("ks_pack", "ks_pack.inner") == ["one"]


def test_a_module_that_is_missing_or_raises_is_told(write: Write) -> None:
    assert "cannot be imported: ModuleNotFoundError" in refused("ks_nowhere")
    write("ks_raising", "raise ValueError('key sk-secret')")
    assert "ValueError: key [redacted] (ks_raising.py:1); it is looked for in" in refused("ks_raising")
    write("ks_leaving", "import sys\nsys.exit(3)")
    assert "SystemExit" in refused("ks_leaving")
    write("ks_wrong", "def (:")
    assert "SyntaxError" in refused("ks_wrong")


def test_a_module_without_tools_is_told(write: Write) -> None:
    assert "has no tools" in refused(write("ks_empty", "x = 1"))


def test_a_name_twice_is_told_with_both_places(write: Write) -> None:
    write("ks_a", ONE)
    write("ks_b", ONE)
    assert "'one', ks_b.one and one that is in ks_a.one" in refused("ks_a", "ks_b")
    write("ks_c", f"{ABOVE}@keepstream_tool\ndef clock(): ...\n")
    assert "'clock', ks_c.clock and one that is built in" in refused("ks_c")


def test_a_function_without_a_schema_is_told_with_its_place(write: Write) -> None:
    write("ks_odd", f"{ABOVE}import threading\n@keepstream_tool\ndef odd(a: threading.Lock): ...\n")
    assert "ks_odd.odd: its signature has no schema" in refused("ks_odd")
    write("ks_late", f"{ABOVE}@keepstream_tool(seconds=-1)\ndef late(): ...\n")
    assert "seconds must be more than 0" in refused("ks_late")


@pytest.mark.parametrize("name", ["a/b", "../a", "a.", "1a", "a b", "app.tools", "worker"])
def test_what_is_no_modules_name_is_told(name: str) -> None:
    assert "name" in refused(name) or "Keepstream's" in refused(name)
