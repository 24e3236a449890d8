"""Each module has its tests at the same place, and no file or folder is more than one can see at once.

What a failure means and what one does about it is said by the test that fails. The exceptions are lists, each with its
reason; an entry that excuses nothing any more fails as well, so they only shrink.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import LONG, TOGETHER
from tests.layout_exceptions import ABOUT_SEVERAL, ALIKE, NOT_YET_SEEN_AT_ONCE, NOT_YET_TESTED, TESTED_ELSEWHERE

ROOT = Path(__file__).resolve().parent.parent
LINES = {".py": 300, ".js": 350, ".mjs": 350}
SIDE_BY_SIDE = 12
NOT_OURS = {"vendor", "node_modules", "__pycache__"}
# Files that every face has, by the same names.
OF_EACH_FACE = {"routes.py", "answer.py", "view.py", "prompt.py"}


def files(*kinds: str, under: Iterable[str] = ("app", "worker", "tests")) -> Iterator[Path]:
    """Ours of these kinds, relative to the tree."""
    for top in under:
        for path in sorted((ROOT / top).rglob("*")):
            if path.suffix in kinds and NOT_OURS.isdisjoint(path.parts):
                yield path.relative_to(ROOT)


def _does_something(module: Path) -> bool:
    """What only names values has nothing to test, nor has the line that starts a command."""
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    return module.name != "__main__.py" and any(
        isinstance(one, functions)
        or (isinstance(one, ast.ClassDef) and any(isinstance(part, functions) for part in one.body))
        for one in ast.parse((ROOT / module).read_text()).body
    )


@cache
def modules() -> list[Path]:
    """Asked for by a test that runs: every run that collects this one would wait for it otherwise."""
    return [module for module in files(".py", under=("app", "worker")) if _does_something(module)]


@cache
def scripts() -> list[Path]:
    return list(files(".lua", under=("app",)))


@cache
def written() -> list[Path]:
    return [test for test in files(".py", under=("tests/app", "tests/worker")) if test.name.startswith("test_")]


@cache
def place_of(module: Path) -> str:
    """Where the tests of a module stand; without its ending it is a folder, where one file is not enough for them."""
    name = module.parent.name if module.name == "__init__.py" else module.stem
    return f"tests/{module.parent}/test_{name}.py"


@cache
def folder_of(module: Path) -> str:
    return f"tests/{module.with_suffix('')}/"


def belongs(test: Path, module: Path) -> bool:
    """`test_tail.py` and `test_tail_repairs.py` are about `tail.py`, and so is all that stands in a folder `tail/`."""
    place, stands = place_of(module), str(test)
    beside = stands.startswith(f"{place.removesuffix('.py')}_") and stands.count("/") == place.count("/")
    return stands == place or beside or stands.startswith(folder_of(module))


def of_the_room(test: Path) -> bool:
    """A room that is one thing has one test, that is called as the room: `openapi/test_openapi.py`."""
    return test.stem == f"test_{test.parent.name}"


def only(found: Iterable[str], excused: Iterable[str]) -> None:
    """Nothing is found but what is excused, and all that is excused is found."""
    found, excused = set(found), set(excused)
    assert sorted(found - excused) == []
    assert sorted(excused - found) == [], "excused for nothing: take it off the list in layout_exceptions.py"


def test_each_module_has_its_tests_at_the_same_place() -> None:
    """Write `tests/<its place>/test_<name>.py`; or say where else it is tested, and why, in TESTED_ELSEWHERE."""
    rooms = {test.parent for test in written() if of_the_room(test)}
    bare = {
        str(module)
        for module in modules()
        if Path("tests") / module.parent not in rooms and not any(belongs(test, module) for test in written())
    }
    only(bare, TESTED_ELSEWHERE.keys() | NOT_YET_TESTED)


def test_what_is_tested_elsewhere_is_tested_there() -> None:
    """An entry begins with the path of the tests."""
    there = {module: said.partition(":")[0] for module, said in TESTED_ELSEWHERE.items()}
    assert {module: test for module, test in there.items() if not (ROOT / test).exists()} == {}


def test_each_test_is_of_a_module() -> None:
    """Call it after its module, `test_tail_repairs.py`; or say in ABOUT_SEVERAL what it is about."""
    homeless = {
        str(test)
        for test in written()
        if not of_the_room(test) and not any(belongs(test, module) for module in modules() + scripts())
    }
    only(homeless, ABOUT_SEVERAL)


@pytest.mark.parametrize("kind", LINES)
def test_no_module_is_too_long(kind: str) -> None:
    """It has two ideas: give each a module."""
    long = {str(file) for file in files(kind) if len((ROOT / file).read_text().splitlines()) > LINES[kind]}
    only(long, (one for one in NOT_YET_SEEN_AT_ONCE if one.endswith(kind)))


def test_no_folder_has_too_many_modules_side_by_side() -> None:
    """Those that are about one thing get a folder of their own."""
    folders: dict[str, int] = defaultdict(int)
    for file in files(".py", ".js", ".mjs"):
        folders[str(file.parent)] += 1
    full = (folder for folder, count in folders.items() if count > SIDE_BY_SIDE)
    only(full, (one for one in NOT_YET_SEEN_AT_ONCE if "." not in one))


def test_no_two_modules_are_mixed_up() -> None:
    """Give one of them the name of what it does; or say in ALIKE why they are called the same."""
    called = defaultdict(set)
    for module in modules():
        if module.name != "__init__.py" and not (module.parts[:2] == ("app", "faces") and module.name in OF_EACH_FACE):
            called[module.parts[0], module.stem].add(str(module))
    alike = {stem: modules for (_, stem), modules in called.items() if len(modules) > 1}
    assert alike == {stem: set(modules) for stem, (modules, _) in ALIKE.items()}


def test_no_two_neighbours_differ_by_one_letter_s() -> None:
    """One and many of the same thing are one module, or two things with two names."""
    assert [str(module) for module in modules() if (ROOT / module.with_name(f"{module.stem}s.py")).exists()] == []


def test_those_that_take_long_are_there() -> None:
    """LONG in conftest.py names test files and folders by their place; who moves one moves its name."""
    places = [ROOT / "tests" / name for name in (*LONG, *TOGETHER)]
    assert [place for place in places if not place.is_dir() and not place.with_suffix(".py").exists()] == []
