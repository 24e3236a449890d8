"""The example of an nginx before two fronts: readers notice nothing of what becomes of a front there, either."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.dev.ports import free_port
from tests.deploy.compose.composed import ROOT
from tests.harness.network.tls import certificate
from tests.harness.running import Running
from tests.stories.edge.arranged import Arranged
from tests.stories.edge.caddy import Edge
from tests.stories.edge.noticing import SHORT, noticing

NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
EXAMPLE = ROOT / "deploy" / "nginx.conf"
HOST = "127.0.0.1"
NOBODY = ("127.253.0.1", "127.253.0.2")  # on the port of fronts, where nobody listens
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(NGINX is None, reason="needs nginx: install the package nginx"),
]


@asynccontextmanager
async def nginx(directory: Path, fronts: tuple[str, str]) -> AsyncIterator[Edge]:
    """With these addresses in place of the example's, where it listens, and with a certificate of ours."""
    edge, config = placed(directory, fronts)
    always = f"daemon off; pid {directory}/pid;" + ("user root;" if os.geteuid() == 0 else "")
    with Running([str(NGINX), "-p", str(directory), "-c", str(config), "-e", "stderr", "-g", always]) as running:
        try:
            await edge.shaken()
            yield edge
        finally:  # one that is killed leaves its own processes behind
            running.send(signal.SIGTERM)
            await asyncio.to_thread(running.wait)


def placed(directory: Path, fronts: tuple[str, str]) -> tuple[Edge, Path]:
    """Where it is going to be, and the file that says so."""
    directory.mkdir()
    made, key = certificate(directory, HOST)
    secure, plain = free_port(), free_port()
    here = {
        "listen 80;": f"listen {HOST}:{plain};",
        "listen 443 ssl http2;": f"listen {HOST}:{secure} ssl http2;",
        "/etc/nginx/keepstream.crt": str(made),
        "/etc/nginx/keepstream.key": str(key),
        "front-1.example:8000": f"{fronts[0]}:8000",
        "front-2.example:8000": f"{fronts[1]}:8000",
        "keepstream.example": HOST,
        "http {\n": "http {\n" + "".join(f"\t{one}_temp_path {directory}/{one};\n" for one in TEMPORARY),
    }
    text = EXAMPLE.read_text()
    for there, ours in here.items():
        assert there in text
        text = text.replace(there, ours)
    config = directory / "nginx.conf"
    config.write_text(text)
    return Edge(secure, ssl.create_default_context(cafile=str(made)), HOST), config


async def test_readers_notice_nothing_of_fronts_that_drain_die_and_come_back(
    arranged: Arranged, tmp_path: Path
) -> None:
    async with nginx(tmp_path / "nginx", arranged.addresses) as edge:
        await noticing(arranged, edge)


async def test_where_there_is_no_front_who_reads_events_is_asked_to_come_again(tmp_path: Path) -> None:
    async with nginx(tmp_path / "nginx", NOBODY) as edge, edge.client() as http:
        url = "/v1/streams/st_00000000000000000000000000000000/events"
        answer = await http.get(url, headers={"accept": "text/event-stream"})
        assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream")
        assert answer.text == "retry: 2000\n\n"
        assert (await http.get(url)).status_code == 502  # whoever can read it is told
        assert (await http.post("/v1/streams", json=SHORT)).status_code == 502
