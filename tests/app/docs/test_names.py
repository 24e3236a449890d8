"""What the pages name exists, and what exists they name."""

from __future__ import annotations

import ast
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest

from app.cli import COMMANDS
from app.cli import main as keepstream
from app.http.static import FILES, PAGES
from app.openapi import describe
from app.settings import SECRET_FILES, variables
from tests.app.docs.shelf import ALL, OF_THE_TESTS, README, ROOT, SHELF, Document
from tests.mutations.every import MUTATIONS

MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE)) - {"help"}
PATHS = describe()["paths"]
OPERATIONS = {f"{method.upper()} {path}" for path, item in PATHS.items() for method in item if method != "parameters"}
# Of the terminal, of the edge, and of the secrets that may be files.
OTHER_VARIABLES = {
    "KEEPSTREAM_URL",
    "KEEPSTREAM_KEY",
    "ANTHROPIC_API_KEY_FILE",
    "REDIS_URL_FILE",
    "STREAMS_REDIS_URL_FILE",
    *SECRET_FILES,
}
OTHER_VARIABLES |= {"ANTHROPIC_OPEN_TELEMETRY_PROPAGATION"}  # of the SDK
OTHER_VARIABLES |= set(re.findall(r"{\$(KEEPSTREAM_\w+)", (ROOT / "deploy" / "Caddyfile").read_text()))
OTHER_VARIABLES |= set(re.findall(r"\${(KEEPSTREAM_\w+)", (ROOT / "compose.yaml").read_text()))
ROOMS = {path.split("/")[1] for path in PATHS}  # of addresses
THE_START_OF_ALL = "KEEPSTREAM_"
every_page = pytest.mark.parametrize("page", ALL, ids=str)


def said() -> str:
    return "\n".join(page.text for page in ALL)


@every_page
def test_every_setting_in_it_exists(page: Document) -> None:
    named = set(re.findall(r"\b(KEEPSTREAM_\w+|(?:STREAMS_)?REDIS_URL\w*|ANTHROPIC_\w+)\b", page.text))
    assert named - {THE_START_OF_ALL} - OTHER_VARIABLES <= set(variables())


@every_page
def test_every_command_in_it_exists(page: Document) -> None:
    assert {command for span in page.spans for command in re.findall(r"^keepstream ([a-z]+)", span)} <= set(COMMANDS)


def test_every_command_is_in_a_table_with_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [span for page in SHELF.values() for span in page.spans if re.match(r"keepstream [a-z]+( |$)", span)]
    assert {row.split()[1] for row in rows} == set(COMMANDS)
    for row in rows:
        with pytest.raises(SystemExit):
            keepstream([row.split()[1], "--help"])
        told = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
        assert set(re.findall(r"--[a-z-]+", row)) <= told, row


@every_page
def test_every_make_target_in_it_exists(page: Document) -> None:
    code = [*page.spans, *(line for block in page.blocks for line in block.code.splitlines())]
    assert {target for line in code for target in re.findall(r"^make ([a-z-]+)", line)} <= TARGETS


def test_every_make_target_is_described() -> None:
    assert {span.split()[1] for span in SHELF["contributing"].spans if re.fullmatch("make [a-z-]+", span)} == TARGETS


@every_page
def test_every_route_in_it_exists(page: Document) -> None:
    for span in page.spans:
        if re.fullmatch(r"(GET|POST|PUT|PATCH|DELETE) /\S*", span):
            assert span in OPERATIONS
        elif re.fullmatch(r"/[\w.-]+/[\w./{}-]+", span) and span.split("/")[1] in ROOMS:
            assert span in PATHS or span.removeprefix("/docs/") in PAGES, span


def test_every_route_is_named_with_its_method() -> None:
    named = {span for page in SHELF.values() for span in page.spans}
    served = {f"GET {path}" for path in FILES} | {"GET /docs", "GET /docs/{page}", "GET /openapi.json"}
    assert served <= OPERATIONS
    assert OPERATIONS - served <= named


@every_page
def test_every_file_in_it_exists(page: Document) -> None:
    for span in page.spans:
        path, _, test = span.partition("::")
        if re.fullmatch(r"(app|worker|tests|deploy|\.ci)/[\w./-]+", path):
            assert (ROOT / path).exists(), span
            assert not test or is_one_of(test, functions_of(ROOT / path)), span
        if found := re.match(r"python -m (tests[\w.]*)", span):
            assert any((ROOT / found[1].replace(".", "/")).with_suffix(end).exists() for end in ("", ".py")), span


def test_what_the_tests_say_of_themselves_exists() -> None:
    for span in OF_THE_TESTS.spans:
        if re.fullmatch(r"[\w/]+(\.py|/)", span):
            assert (ROOT / "tests" / span).exists(), span
        for part in re.findall(r"\btests/[\w/.]+", span):
            assert (ROOT / part).exists(), span


def test_each_room_of_the_tests_is_in_the_table_of_them() -> None:
    rooms = {f"tests/{path.name}/" for path in (ROOT / "tests").iterdir() if path.is_dir() and path.name[0].isalpha()}
    assert {span for span in SHELF["contributing"].spans if re.fullmatch(r"tests/\w+/", span)} >= rooms


@every_page
def test_what_is_named_by_its_last_part_exists(page: Document) -> None:
    """`test_tail.py`, `append.lua`, `test_tail.py::test_…`, and a test by its name alone."""
    for span in page.wrapped_spans:
        file, _, test = span.partition("::")
        if re.fullmatch(r"[\w-]+\.(py|lua|js|mjs|pml)", file):
            named = called_so(file)
            assert named, span
            assert not test or any(is_one_of(test, functions_of(path)) for path in named), span
        elif re.fullmatch(r"test_\w+…?", span):
            assert is_one_of(span, every_function()), span


@every_page
def test_every_mutation_in_it_exists(page: Document) -> None:
    """`…` stands for the rest of a name, and so does the end of a name that says more behind a colon."""
    names = {mutation.name for mutation in MUTATIONS}
    for listed in re.findall(r'\bmutations?:? ((?:"[^"]*"(?:,? and |[,;]? )?)+)', page.in_one_line, re.IGNORECASE):
        for said in re.findall(r'"([^"]*)"', listed):
            start, _, end = said.partition("…")
            assert any(name.startswith(start.strip()) and name.endswith(end) for name in names), said


def is_one_of(test: str, names: set[str]) -> bool:
    """A name may end in `…`, where the rest of it says no more."""
    return test in names or (test.endswith("…") and any(name.startswith(test[:-1]) for name in names))


@cache
def functions_of(path: Path) -> set[str]:
    nodes = ast.walk(ast.parse(path.read_text()))
    return {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@cache
def called_so(name: str) -> list[Path]:
    return [path for top in ("app", "worker", "tests") for path in (ROOT / top).rglob(name)]


@cache
def every_function() -> set[str]:
    texts = (path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    return {name for text in texts for name in re.findall(r"^ *(?:async )?def (test_\w+)", text, re.MULTILINE)}


def test_each_promise_names_a_test_that_shows_it() -> None:
    promises = re.split(r"^## ", SHELF["guarantees"].text, flags=re.MULTILINE)[1:]
    assert [one[:2] for one in promises[:7]] == [f"G{number}" for number in range(1, 8)]
    assert all("::test_" in one for one in promises[:8])


def test_a_file_that_shows_a_promise_says_which() -> None:
    """And the other way round: whoever looks for `G2` in the tests finds those that are named under it."""
    promises = {one[:2]: one for one in re.split(r"^## ", SHELF["guarantees"].text, flags=re.MULTILINE)[1:8]}
    named = {
        (file, promise) for promise, text in promises.items() for file in re.findall(r"`(tests/[\w/]+\.py)::", text)
    }
    told = {
        (str(path.relative_to(ROOT)), promise)
        for path in (ROOT / "tests").rglob("test_*.py")
        for listed in re.findall(r"\((G\d(?:, G\d)*)\)", path.read_text().partition("\nfrom __future__")[0])
        for promise in listed.split(", ")
    }
    assert told == named


def test_the_floors_are_those_that_are_held() -> None:
    held = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    floors = [one["layers"] for one in held if one["name"] in ("the floors of the front", "the floors of the worker")]
    page = SHELF["architecture"]
    told = [block.code.splitlines() for block in page.blocks if block.language == "text"]
    assert [one for one in told if one[0].split(" | ")[0] in ("app.main", "main")] == floors
    rooms = {span.rstrip("/").removesuffix(".py").replace("/", ".") for span in page.spans}
    for floor, above in zip(floors, ("", "worker."), strict=True):
        assert {above + room for line in floor for room in line.split(" | ")} <= rooms


def test_the_front_door_is_short() -> None:
    assert len(README.text.splitlines()) < 150
