"""`keepstream tools`, as an operator types it."""

from __future__ import annotations

import sys
from pathlib import Path

import orjson
import pytest

from worker.tools.command import main

MODULE = """
from worker.tools import keepstream_tool

@keepstream_tool(repeatable=True, approve=True)
def buy(fruit: str) -> str:
    "Buys fruit.\\n\\nAnd more of it."
    return fruit
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    monkeypatch.setattr(sys, "modules", dict(sys.modules))
    (tmp_path / "ks_shop.py").write_text(MODULE)
    servers = {"there": {"command": sys.executable}, "far": {"url": "http://x/"}, "lost": {"command": "no-such-thing"}}
    (tmp_path / "mcp.json").write_bytes(orjson.dumps({"mcpServers": servers}))
    monkeypatch.setenv("KEEPSTREAM_TOOLS", "ks_shop")
    monkeypatch.setenv("KEEPSTREAM_MCP", "mcp.json")
    return tmp_path


@pytest.mark.usefixtures("project")
def test_it_lists_what_a_worker_would_offer(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["clock", "calculator", "buy", "there", "far", "lost"]
    assert lines[2].endswith("  Buys fruit. (repeatable, approve)")
    assert "not found" not in lines[3] + lines[4]
    assert lines[5].endswith("whose program is not found")


@pytest.mark.usefixtures("project")
def test_it_says_the_same_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json"]) == 0
    found = orjson.loads(capsys.readouterr().out)
    assert found["tools"][2] == {"name": "buy", "description": "Buys fruit.", "repeatable": True, "approve": True}
    assert [one["found"] for one in found["servers"]] == [True, True, False]


def test_it_says_why_a_worker_would_not_start(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "ks_shop.py").write_text("import nothing_of_that_name")
    assert main([]) == 2
    assert "KEEPSTREAM_TOOLS: the module 'ks_shop' cannot be imported" in capsys.readouterr().err
    monkeypatch.setenv("KEEPSTREAM_MCP", "/nowhere")
    assert main([]) == 2
    assert capsys.readouterr().err.startswith("keepstream tools: KEEPSTREAM_MCP: cannot read /nowhere")
