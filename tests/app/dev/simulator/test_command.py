"""The simulator as a process."""

import asyncio
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from anthropic import AsyncAnthropic

from app.dev.simulator.directives import Directives
from tests.app.dev.simulator.claude import address, asking, counts, raw_call, said, streamed, text_of
from tests.patience import PATIENCE

ROOT = Path(__file__).parents[4]


def test_the_process_says_where_it_is_and_ends_at_once_with_streams_open() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        with simulator_process("--port", "0", "--rate", "50") as (process, url):
            body = asking("[[sim: tokens=1000]]", stream=True)
            headers = {"x-api-key": "x", "anthropic-version": "1"}
            with httpx.stream("POST", f"{url}/v1/messages", json=body, headers=headers) as response:
                next(response.iter_raw())
                process.send_signal(number)
                assert process.wait(timeout=5) == 0
            assert process.stdout is not None
            assert process.stdout.read() == b""


async def test_the_process_resets_and_notices_as_well() -> None:
    # Its event loop is another one than that of the tests above.
    with simulator_process("--port", "0", "--rate", "0", "--first", "0") as (_, url):
        reader, writer = await raw_call(url, "[[sim: cut-after=3]]")
        with pytest.raises(ConnectionResetError):
            await reader.read(-1)
        writer.close()
        _, writer = await raw_call(url, "[[sim: stall-after=3 tag=left]]")
        async with httpx.AsyncClient(base_url=url) as client, asyncio.timeout(PATIENCE):
            while not (await counts(client))["open"]:
                pass
            writer.close()
            while (await counts(client))["tags"]["left"]["closed_early"] == 0:
                pass
        async with AsyncAnthropic(base_url=url, api_key="x", max_retries=0) as claude:
            assert text_of(await streamed(claude, "[[sim: split tokens=200]]")) == said("[[sim: tokens=200]]")


def test_a_port_that_is_taken_is_said_clearly() -> None:
    with simulator_process("--port", "0") as (_, url):
        second = run_simulator("--port", str(address(url)[1]))
    assert second.returncode == 2
    assert "cannot listen on 127.0.0.1" in second.stderr
    assert "Traceback" not in second.stderr


@pytest.mark.parametrize("options", [("--port", "x"), ("--port", "70000"), ("--rate", "-1"), ("--first", "nan")])
def test_wrong_options_are_said_clearly(options: tuple[str, str]) -> None:
    wrong = run_simulator(*options)
    assert wrong.returncode == 2
    assert f"argument {options[0]}: is " in wrong.stderr


def test_help_documents_every_directive() -> None:
    shown = run_simulator("--help").stdout
    for name in Directives.__dataclass_fields__:
        key = name.replace("_", "-")
        assert re.search(rf"^  {key}[=\[ ]", shown, re.MULTILINE), key
        assert re.search(rf"\[\[sim: .*{key}", shown), key
    assert "times=N" in shown


@contextmanager
def simulator_process(*options: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    command = [sys.executable, "-m", "app.dev.simulator", *options]
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ}, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline().decode()
            found = re.fullmatch(r"simulated Claude on (http://\S+)\n", line)
            assert found, line
            yield process, found[1]
        finally:
            process.kill()


def run_simulator(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app.dev.simulator", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
