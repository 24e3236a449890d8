"""The file that names MCP servers: as others have it, and what is told of what cannot be meant."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.settings import SettingsError
from worker.tools.mcp.config import Server, servers_of

ENVIRON = {"SHOP_TOKEN": "tok-123456", "PLACE": "/srv", "EMPTY": ""}
Read = Callable[..., list[Server]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(servers: Any, *, whole: bool = False) -> list[Server]:
        path = tmp_path / "mcp.json"
        path.write_bytes(
            servers if isinstance(servers, bytes) else orjson.dumps(servers if whole else {"mcpServers": servers})
        )
        return servers_of(str(path), ENVIRON)

    return read


def test_a_process_and_an_address_are_read_as_others_do(read: Read) -> None:
    entry = {
        "command": "${PLACE}/bin/shop",
        "args": ["--to", "${WHERE:-here}"],
        "env": {"TOKEN": "${SHOP_TOKEN}"},
        "cwd": "${PLACE}",
        "autoApprove": ["whatever others know"],
        "keepstream": {
            "repeatable": ["look"],
            "approve": True,
            "owners": ["ann"],
            "seconds": 5,
            "bytes": 4_096,
            "tools": ["look", "buy"],
            "stderr": "shop.log",
        },
    }
    [shop] = read({"shop": entry})
    assert (shop.command, shop.args, shop.cwd) == ("/srv/bin/shop", ("--to", "here"), "/srv")
    assert shop.env == {"TOKEN": "tok-123456"}
    assert ("look" in shop.repeatable, "buy" in shop.repeatable, "buy" in shop.approve) == (True, False, True)
    assert (shop.options.owners, shop.options.seconds, shop.options.bytes) == (("ann",), 5, 4_096)
    assert shop.tools == {"look", "buy"}
    assert "tok-123456" in shop.secrets
    assert "tok-123456" not in repr(shop)


def test_an_address_may_have_headers_and_its_type_may_be_left_out(read: Read) -> None:
    headers = {"Authorization": "Bearer ${SHOP_TOKEN}"}
    for more in ({}, {"type": "http"}, {"type": "streamable-http"}):
        [found] = read({"far": {"url": "https://mcp.example/mcp", "headers": headers, **more}})
        assert (found.url, found.headers) == ("https://mcp.example/mcp", {"Authorization": "Bearer tok-123456"})
        assert "tok-123456" in found.secrets


def test_one_that_is_disabled_is_not_there(read: Read) -> None:
    assert read({"off": {"command": "x", "disabled": True}}) == []
    assert read({}) == []


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ({}, "command must name a program"),
        ([], "must be an object"),
        ({"command": 3}, "command must be a text"),
        ({"command": "x", "args": "y"}, "args must be a list"),
        ({"command": "x", "args": [1]}, "args.0 must be a text"),
        ({"command": "x", "env": {"A": 1}}, "env.A must be a text"),
        ({"command": "x", "env": {"A": "${NOT_THERE}"}}, r"env.A names \$\{NOT_THERE\}, which is not set"),
        ({"url": "ftp://x"}, "url must be an http"),
        ({"type": "sse", "url": "http://x"}, "streamable HTTP"),
        ({"type": "ws"}, 'type must be "stdio" or "http"'),
        ({"command": "x", "keepstream": {"repeat": True}}, "keepstream.repeat is not known; there are approve"),
        ({"command": "x", "keepstream": {"seconds": "5"}}, "keepstream.seconds must be a number"),
        ({"command": "x", "keepstream": {"seconds": 0}}, "keepstream.seconds must be more than 0"),
        ({"command": "x", "keepstream": {"owners": "ann"}}, "keepstream.owners must be a list"),
        ({"command": "x", "keepstream": {"bytes": 1}}, "keepstream.bytes must be from"),
        ({"command": "x", "keepstream": {"bytes": 5000.5}}, "whole number"),
    ],
)
def test_what_cannot_be_meant_is_told_with_its_place(read: Read, entry: Any, why: str) -> None:
    with pytest.raises(SettingsError, match=f"^KEEPSTREAM_MCP: .*mcp.json: shop: .*{why}"):
        read({"shop": entry})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"{", "is no JSON: line 1"),
        (b"[]", "mcpServers"),
        (b'{"mcpServers": []}', "mcpServers"),
        (b" " * 2_000_000, "larger"),
        (orjson.dumps({"mcpServers": {f"s{n}": {} for n in range(65)}}), "64 are allowed"),
        (orjson.dumps({"mcpServers": {"a b": {"command": "x"}}}), "name must be"),
    ],
    ids=["broken", "list", "servers", "large", "many", "name"],
)
def test_a_file_that_cannot_be_used_is_told(read: Read, text: bytes, why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        read(text)


def test_a_file_that_is_not_there_and_a_library_that_is_not_there_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=r"cannot read /nowhere/mcp\.json: No such file"):
        servers_of("/nowhere/mcp.json", {})
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(SettingsError, match=r"pip install 'keepstream-server\[mcp\]'"):
        servers_of("/nowhere/mcp.json", {})
