"""A worker that is killed: its MCP servers end by themselves, for their input does."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import orjson

from app.stream.workers.offers import Offers
from tests.harness.running import keepstream
from tests.worker.tools.mcp.living import lives
from tests.worker.workshop import Workshop

HOSTILE = Path(__file__).parent / "hostile.py"


async def test_a_killed_worker_s_mcp_servers_end_with_it(shop: Workshop, tmp_path: Path) -> None:
    says = tmp_path / "says"
    entry = {"command": sys.executable, "args": ["-S", str(HOSTILE), "pid"], "keepstream": {"stderr": str(says)}}
    (tmp_path / "mcp.json").write_bytes(orjson.dumps({"mcpServers": {"odd": entry}}))
    settings = {"REDIS_URL": shop.settings.redis_url, "ANTHROPIC_BASE_URL": shop.claude}
    with keepstream("worker", warm=True, **settings, KEEPSTREAM_MCP=str(tmp_path / "mcp.json")) as process:
        process.line("^ready$")
        pid = int(says.read_text())
        assert [offer.name for offer in await Offers(shop.redis, 600).all()] == ["calculator", "clock", "odd__call"]
        process.send(signal.SIGKILL)
    while lives(pid):
        await asyncio.sleep(0.01)
