"""The Dockerfile, read as a builder reads it, and its stage `build` carried out in a folder in place of a container.

The rule: what the steps say is what is done; only where absolute paths are is another place, and `python` is one of
this machine's. What needs a base image (users, packages of a system) is of the other stages, and not done here.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.deploy.compose.composed import ROOT
from tests.harness.running import clean_environment

FILE = ROOT / "deploy" / "Dockerfile"
HOMES = ("/opt/keepstream", "/src")


@dataclass(frozen=True)
class Step:
    word: str  # such as RUN
    rest: str


def stages() -> dict[str, list[Step]]:
    """The steps of each stage by its name; those above the first one are under ''."""
    text = re.sub(r"\\\n", " ", re.sub(r"^\s*#.*\n", "", FILE.read_text(), flags=re.MULTILINE))
    found: dict[str, list[Step]] = {"": []}
    for line in filter(str.strip, text.splitlines()):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            found[rest.split(" AS ")[1].strip()] = []
        found[list(found)[-1]].append(Step(word, rest.strip()))
    return found


def let_through() -> list[str]:
    """What `.dockerignore` lets through to the build."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    return [line[1:] for line in lines if line.startswith("!")]


def build(place: Path, python: Path, arguments: Mapping[str, str]) -> Path:
    """Carries out the stage `build` below `place`, with this Python. Returns where what it has made is."""
    context = place / "context"
    for path in let_through():
        into = context / path
        into.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / path).is_dir():
            shutil.copytree(ROOT / path, into, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / path, into)
    environment = clean_environment(PATH=f"{python.parent}{os.pathsep}/usr/bin:/bin", HOME=str(place))
    at = place
    for step in stages()["build"]:
        rest = _here(step.rest, place)
        match step.word:
            case "ARG":
                name, _, otherwise = rest.partition("=")
                environment[name] = arguments.get(name, otherwise.strip('"'))
            case "ENV":
                environment |= dict(word.split("=", 1) for word in shlex.split(rest))
            case "WORKDIR":
                at = Path(rest)
                at.mkdir(parents=True, exist_ok=True)
            case "COPY":
                _copy(context, at, rest.split())
            case "RUN":
                done = subprocess.run(
                    ["/bin/sh", "-c", rest], cwd=at, env=environment, capture_output=True, text=True, check=False
                )
                assert done.returncode == 0, f"{rest}:\n{done.stdout}{done.stderr}"
            case "FROM":
                pass
            case other:
                raise AssertionError(f"a step that nobody knows here: {other}")
    return Path(_here("/opt/keepstream", place))


def _here(text: str, place: Path) -> str:
    for home in HOMES:
        text = text.replace(home, f"{place}{home}")
    return text


def _copy(context: Path, at: Path, words: list[str]) -> None:
    *sources, into = words
    for source in sources:
        path = context / source
        if path.is_dir():  # its contents, as a builder copies them
            shutil.copytree(path, at / into, dirs_exist_ok=True)
        else:
            shutil.copy(path, at / into)
