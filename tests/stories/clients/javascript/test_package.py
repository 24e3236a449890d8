"""What one gets who installs the JavaScript package: its files, its types, its weight, and nothing else."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest

from tests.stories.clients.javascript.conftest import PACKAGE, Project, npm

LICENSE = PACKAGE.parents[2] / "LICENSE"
TSC = ("tsc", "--noEmit", "--strict", "--jsx", "react-jsx", "--target", "es2022", "--skipLibCheck", "false")
ESBUILD = (
    "esbuild",
    "--bundle",
    "--minify",
    "--format=esm",
    "--target=es2022",
    "--log-level=warning",
    "--external:react",
)
CLIENT = 'export * from "keepstream";'
CHAT = 'export * from "keepstream/ai";'
HOOKS = 'export * from "keepstream/react";'


def weight(file: Path) -> int:
    return len(gzip.compress(file.read_bytes(), 9, mtime=0))


def texts_of(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in folder.iterdir()}


async def bundled(project: Project, name: str, text: str, *options: str) -> Path:
    (project.at / f"{name}.mjs").write_text(text)
    out = project.at / f"{name}.out.js"
    assert (await project.run(*ESBUILD, *options, f"{name}.mjs", f"--outfile={out}")).strip() == ""
    return out


def test_the_tarball_holds_the_modules_their_types_and_what_one_has_to_read(project: Project) -> None:
    modules = {file.stem for file in PACKAGE.glob("*.js")}
    named = {f"{module}.js" for module in modules} | {f"types/{module}.d.ts" for module in modules}
    assert set(project.packed) == named | {"package.json", "README.md", "LICENSE"}
    assert (PACKAGE / "LICENSE").read_text() == LICENSE.read_text()


def test_from_a_clone_of_this_repository_one_gets_the_same(project: Project, tmp_path: Path) -> None:
    """And no link to it, beside which nobody's React is to be found."""
    (tmp_path / "package.json").write_text("{}")
    npm("install", "--offline", "--install-links", "--no-audit", "--no-fund", str(PACKAGE), at=tmp_path)
    installed = tmp_path / "node_modules" / "keepstream"
    assert not installed.is_symlink()
    files = {str(file.relative_to(installed)): file.stat().st_size for file in installed.rglob("*") if file.is_file()}
    assert files == project.packed


def test_each_entry_is_there_with_its_types(project: Project) -> None:
    told = json.loads((PACKAGE / "package.json").read_text())
    assert not {"dependencies", "scripts"} & set(told)
    installed = project.at / "node_modules" / "keepstream"
    entries = [entry for entry in told["exports"].values() if isinstance(entry, dict)]
    assert len(entries) >= 2
    for entry in entries:
        assert (installed / entry["types"]).is_file()
        assert (installed / entry["default"]).is_file()


def test_the_version_is_the_servers() -> None:
    said = re.search(r'^version = "(.+)"', (LICENSE.parent / "pyproject.toml").read_text(), re.MULTILINE)
    assert said
    assert json.loads((PACKAGE / "package.json").read_text())["version"] == said[1]


async def test_the_types_are_those_of_the_code(project: Project, tmp_path: Path) -> None:
    await project.run("tsc", "-p", str(PACKAGE), "--outDir", str(tmp_path))
    assert texts_of(tmp_path) == texts_of(PACKAGE / "types"), "make types"


@pytest.mark.parametrize("resolved", [("bundler", "esnext"), ("nodenext", "nodenext")], ids=lambda by: by[0])
async def test_typescript_at_its_strictest_takes_what_is_right_and_nothing_else(
    project: Project, resolved: tuple[str, str]
) -> None:
    by = ("--moduleResolution", resolved[0], "--module", resolved[1])
    read = await project.run(*TSC, *by, "--listFiles", "theirs.tsx")
    assert "/keepstream/types/react.d.ts" in read
    assert "/node_modules/ai/" not in read, "who has no AI SDK needs none"
    # The AI SDK's own types, and what they stand on, are not ours to be held against.
    await project.run(*TSC, *by, "--skipLibCheck", "true", "chatting.tsx")


async def test_the_client_is_below_five_and_a_half_kilobytes_and_what_stands_on_it_below_two(project: Project) -> None:
    client = weight(await bundled(project, "client-only", CLIENT))
    both = weight(await bundled(project, "with-hooks", CLIENT + HOOKS))
    assert client < 5500
    assert both - client < 2000
    assert weight(await bundled(project, "with-chat", CLIENT + CHAT)) - client < 2000
    assert weight(PACKAGE / "keepstream.js") < 5000


def test_hooks_are_a_clients_component_to_a_bundler_of_both() -> None:
    """Who builds for a server and a browser leaves a module alone that says it is the browser's."""
    hooks = (PACKAGE / "react.js").read_text()
    assert hooks.startswith('"use client";\n')
    assert "use client" not in (PACKAGE / "index.js").read_text()


async def test_a_server_renders_the_hooks_and_asks_for_nothing(project: Project) -> None:
    bundle = await bundled(
        project, "on-a-server", 'import "./rendered.mjs";', "--platform=node", "--external:react-dom"
    )
    seen = await project.ask(bundle.name)
    assert seen["pages"] == [
        "<p>submitting </p>",
        "<p>submitting </p>",
        "<p>waiting </p>",
        "<p>idle </p>",
        "<p>loading 0</p>",
        "<p>idle 0</p>",
    ]
    assert (seen["asked"], seen["window"]) == ([], "undefined")
