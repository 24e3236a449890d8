"""The client as a project has it: installed beside what is there, used, taken away, and nothing else was touched.

`make packages` does it on every Python that is found, with the oldest httpx that is allowed as well, and installs the
server from its wheel. Otherwise it is done once, on this Python.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

import pytest

from tests.harness.running import clean_environment
from tests.patience import PATIENCE
from tests.stories.clients.conftest import Up

HERE = Path(__file__).parent
ROOT = HERE.parents[3]
CLIENT = ROOT / "app" / "clients" / "python"
UV = Path(sys.executable).with_name("uv")
EVERYWHERE = os.environ.get("PACKAGES") == "all"
OLDEST = ("httpx==0.25.0", "httpx-sse==0.4.3", "redis==8.1.0", "uvicorn==0.53.0")
# Modules that the server has, too.
ITS_OWN = ("app/__init__.py", "app/main.py", "app/settings.py", "worker/__init__.py", "worker/main.py")
PROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
[project]
name = "shop"
version = "1.0"
[tool.hatch.build.targets.wheel]
packages = ["app", "worker"]
"""
# Strictly typed: what is asserted of a type is seen by mypy, the rest by Python.
USE = """\
import asyncio
import json
import sys
from typing import Any, assert_type

import app.main
import app.settings
import redis
import uvicorn
import worker.main

from keepstream import AsyncClient, Client, End, Event, KeepstreamError, NotFoundError, Reset, Stream, Submitted, Usage

URL = sys.argv[1]
PROMPT = "Rivers [[sim: tokens=40 rate=0]]"


def shown(events: list[Event]) -> str:
    return "".join(event.text for event in events)


def blocking() -> tuple[str, str, str]:
    with Client(URL, api_key=lambda: "any") as client:
        stream = client.submit(PROMPT)
        assert_type(stream, Submitted)
        first: list[Event] = []
        with client.events(stream["id"]) as events:
            for event in events:
                first.append(event)
                if len(first) == 10:
                    break
            last: str = events.last_id
        rest = list(client.events(stream["id"], after=last))
        assert_type(client.stream(stream["id"]), Stream)
        assert_type(client.usage(by="day"), Usage)
        (block,) = client.message(stream["id"])["content"]
        return stream["id"], shown(first + rest), block["text"]


async def awaiting(stream_id: str) -> tuple[str, str]:
    text, outcome = "", ""
    async with AsyncClient(URL) as client:
        async for event in client.events(stream_id):
            match event:
                case Reset():
                    text = ""
                case End(cost_usd=cost):
                    outcome = event.outcome
                    assert_type(cost, float | None)
                case _:
                    text += event.text
        made = await client.conversations.create(title="Rivers")
        said = await client.conversations.say(made["id"], PROMPT)
        assert [event async for event in client.events(said["id"])][-1].type == "relay.end"
        await client.conversations.delete(made["id"])
        try:
            await client.stream("st_nowhere")
        except NotFoundError as error:
            assert_type(error.retry_after, float | None)
            assert isinstance(error, KeepstreamError)
        else:
            raise AssertionError
    return text, outcome


stream_id, resumed, whole = blocking()
again, outcome = asyncio.run(awaiting(stream_id))
told: dict[str, Any] = {
    "texts": [resumed, again],
    "whole": whole,
    "outcome": outcome,
    "own": [app.main.MINE, app.settings.MINE, worker.main.MINE],
    "versions": [redis.__version__, uvicorn.__version__],
    "strangers": sorted({"orjson", "starlette", "rich", "arq", "anthropic", "uvloop"} & set(sys.modules)),
}
print(json.dumps(told))
"""


def run(*command: str | Path, cwd: Path | None = None, **environment: str) -> str:
    """What a command prints, which must succeed. Python finds nothing of this repository there."""
    kept = {name: value for name, value in clean_environment(**environment).items() if name != "PYTHONPATH"}
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=kept, capture_output=True, text=True, timeout=PATIENCE * 3, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def wheel_of(source: Path, into: Path) -> Path:
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", into, cwd=source)
    (wheel,) = into.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheel_of(CLIENT, tmp_path_factory.mktemp("client"))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheel_of(ROOT, tmp_path_factory.mktemp("server"))


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a project with a package named `app`."""
    project = tmp_path_factory.mktemp("shop")
    (project / "pyproject.toml").write_text(PROJECT)
    for name in ITS_OWN:
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_text(f"MINE: str = {name!r}\n")
        (project / name).with_name("py.typed").touch()
    return wheel_of(project, project / "dist")


def pythons() -> list[Any]:
    """This one; and, where all are asked for, those that pyenv has, or why not."""
    ours = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if not EVERYWHERE:
        return [pytest.param(Path(sys.executable), id=ours)]
    found, versions = [], Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for wanted in ("3.11", "3.12", "3.13"):
        there = sorted(versions.glob(f"{wanted}.*/bin/python"))
        python = Path(sys.executable) if wanted == ours else (there[-1] if there else None)
        marks = () if python else pytest.mark.skip(reason=f"no Python {wanted} is found")
        found.append(pytest.param(python, id=wanted, marks=marks))
    return found


def venv_of(python: Path, at: Path) -> Path:
    """The Python of an environment of its own."""
    run(UV, "venv", "--quiet", "--python", python.resolve(), at)
    return at / "bin" / "python"


def pip(python: Path, *arguments: str | Path) -> None:
    command, *rest = arguments
    run(UV, "pip", str(command), "--quiet", "--python", python, *rest)


def tree_of(venv: Path) -> Mapping[str, str]:
    """Each file of an environment with what is in it; what Python compiles is made anew at will."""
    return {
        str(file.relative_to(venv)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in venv.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def test_the_two_wheels_have_no_file_in_common(client: Path, server: Path) -> None:
    ours, theirs = names_in(client), names_in(server)
    assert {name.split("/")[0] for name in ours} == {"keepstream"}
    assert {name.split("/")[0] for name in theirs} == {"app", "worker"}
    assert {"keepstream/py.typed", "keepstream/wire/blocking.py"} <= ours
    # One code: the server's terminal has it as a part of its own.
    assert {f"app/clients/python/{name}" for name in ours} <= theirs
    with zipfile.ZipFile(server) as archive:
        modules = {name: archive.read(name).decode() for name in theirs if name.endswith(".py")}
    assert not [name for name, text in modules.items() if re.search(r"^(from|import) keepstream\b", text, re.MULTILINE)]


def test_the_client_asks_for_two_libraries_and_has_its_licence(client: Path) -> None:
    with zipfile.ZipFile(client) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith("METADATA"))
        told = HeaderParser().parsestr(archive.read(metadata).decode())
        licences = [name for name in archive.namelist() if name.endswith("/LICENSE")]
    assert sorted(re.split("[<>=]", one)[0] for one in told.get_all("Requires-Dist", [])) == ["httpx", "httpx-sse"]
    assert (told["Name"], told["Requires-Python"], told["License-Expression"]) == ("keepstream", ">=3.11", "Apache-2.0")
    assert len(licences) == 1
    assert (CLIENT / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


@pytest.mark.parametrize("oldest", [False, *[True] * EVERYWHERE], ids=lambda oldest: "oldest" if oldest else "locked")
@pytest.mark.parametrize("python", pythons())
def test_a_project_installs_it_uses_it_and_takes_it_away(
    python: Path, *, oldest: bool, client: Path, shop: Path, up: Up, tmp_path: Path
) -> None:
    venv = tmp_path / "venv"
    there = venv_of(python, venv)
    pip(there, "install", "--no-deps", shop)
    pip(there, "install", *(OLDEST if oldest else ("--require-hashes", "-r", HERE / "neighbours.lock")))
    before = tree_of(venv)

    pip(there, "install", client)
    with_it = tree_of(venv)
    assert {name: with_it[name] for name in before} == before
    brought = {name.split("site-packages/")[1].split("/")[0] for name in with_it.keys() - before.keys()}
    assert {name.split("-")[0] for name in brought} == {"keepstream"}

    (tmp_path / "use.py").write_text(USE)
    told = json.loads(run(there, "use.py", up.url, cwd=tmp_path))
    assert told["texts"] == [told["whole"]] * 2
    assert told["outcome"] == "completed"
    assert told["own"] == ["app/main.py", "app/settings.py", "worker/main.py"]
    assert told["versions"] == ["8.1.0", "0.53.0"]
    assert told["strangers"] == []
    strictly = ("--strict", "--python-executable", there, "--cache-dir", tmp_path / "cache")
    run(sys.executable, "-m", "mypy", *strictly, "use.py", cwd=tmp_path)

    pip(there, "uninstall", "keepstream")
    assert tree_of(venv) == before
    assert not list(venv.rglob("*keepstream*"))


@pytest.mark.skipif(not EVERYWHERE, reason="make packages installs the server from its wheel")
@pytest.mark.parametrize("python", pythons())
def test_the_server_is_whole_without_the_client_and_beside_it(
    python: Path, client: Path, server: Path, up: Up, tmp_path: Path
) -> None:
    there = venv_of(python, tmp_path / "venv")
    command = there.with_name("keepstream")
    pip(there, "install", "--require-hashes", "--no-deps", "-r", ROOT / "requirements.lock")
    pip(there, "install", "--no-deps", server)
    version = run(command, "--version", cwd=tmp_path)
    assert version == run(there.with_name("keepstream-server"), "--version", cwd=tmp_path)
    asked = ("send", "[[sim: tokens=5 rate=0]]", "--url", up.url)
    alone = run(command, *asked, cwd=tmp_path)
    before = tree_of(tmp_path / "venv")
    pip(there, "install", client)
    assert run(command, *asked, cwd=tmp_path) == alone
    pip(there, "uninstall", "keepstream")
    assert tree_of(tmp_path / "venv") == before
    assert run(command, *asked, cwd=tmp_path) == alone


@pytest.mark.skipif(not EVERYWHERE, reason="make packages installs the server from this folder as well")
def test_who_has_uv_or_pipx_needs_no_environment(tmp_path: Path) -> None:
    """As the first page says, with what resolves today and not with what is locked."""
    at = {"UV_TOOL_DIR": str(tmp_path / "tools"), "UV_TOOL_BIN_DIR": str(tmp_path / "bin"), "PIPX_HOME": str(tmp_path)}
    for tool in (("--from", ROOT), ("pipx", "run", "--spec", ROOT)):
        assert run(UV, "tool", "run", *tool, "keepstream", "--version", cwd=tmp_path, **at).startswith("keepstream ")
    run(UV, "tool", "install", "--quiet", ROOT, cwd=tmp_path, **at)
    assert run(tmp_path / "bin" / "keepstream", "--version", cwd=tmp_path).startswith("keepstream ")
