"""Schemathesis asks a front whether it does what its description says, by each way to come in.

    python -m tests.stories.clients.describing --examples 50

asks for longer than the tests do.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import httpx

from app.access.identity.keys_file import digest_of
from tests.harness.relay import Relay
from tests.harness.running import to_its_end

SECONDS = 200
# What the description leaves open because only the Claude API can judge it, no check can tell right from wrong.
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,unsupported_method"
)
# Ends with its front alone; `tests/app/faces/board/test_view.py` holds what it says against its description.
ENDLESS = "/ops/events"
ALL_PHASES = "examples,coverage,fuzzing,stateful"
KEY = "ks_of-the-description"


@dataclass(frozen=True)
class Way:
    """How Schemathesis comes in: `options` of its command, and what its configuration says."""

    options: tuple[str, ...] = ()
    config: str = ""


def keys_in(file: Path) -> dict[str, str]:
    """The settings of a front that asks for `KEY`."""
    file.write_text(f"alice {digest_of(KEY)}\n")
    return {"KEEPSTREAM_API_KEYS_FILE": str(file)}


async def ways_into(url: str) -> dict[str, Way]:
    """By a key, by a session, which is not to end itself, and by a ticket, for what that opens."""
    async with httpx.AsyncClient(base_url=url, headers={"x-api-key": KEY}) as http:
        cookie = (await http.post("/session")).headers["set-cookie"].partition(";")[0]
        made = (await http.post("/v1/streams", json={"prompt": "x", "relay": {"ticket": True}})).json()
    ticket = f'[auth.openapi.ticket]\napi_key = "{made["ticket"]}"\n[parameters]\n"path.id" = "{made["id"]}"\n'
    return {
        "key": Way(("-H", f"x-api-key:{KEY}", "--exclude-path-regex", r"\.[a-z]+$")),
        "session": Way(
            ("-H", f"cookie:{cookie}", "-H", f"origin:{url}", "--exclude-path-regex", r"\.[a-z]+$|^/session$")
        ),
        "ticket": Way(("--include-path-regex", r"^/v1/streams/\{id\}(/events|/log|/message)?$"), ticket),
    }


async def asked(url: str, way: Way, examples: int, phases: str, directory: Path) -> tuple[int, str]:
    """Its exit status, and what it said."""
    config = directory / "schemathesis.toml"
    config.write_text(way.config)
    done = await to_its_end(
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run", f"{url}/openapi.json"),
        *("--exclude-path", ENDLESS, "--checks", CHECKS, "--phases", phases, "--max-examples", str(examples)),
        *("--seed", "1", "--generation-deterministic", "--no-color", "--request-timeout", "20", *way.options),
        cwd=directory,
        seconds=None,
    )
    return done.status, done.out + done.err


async def ask_all(examples: int) -> int:
    failed = 0
    with tempfile.TemporaryDirectory() as directory, Relay(**keys_in(Path(directory) / "keys")) as relay:
        for name, way in (await ways_into(relay.url)).items():
            status, said = await asked(relay.url, way, examples, ALL_PHASES, Path(directory))
            sys.stdout.write(f"{said}\n{name}: exit status {status}\n")
            failed += status != 0
    return 1 if failed else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.stories.clients.describing")
    parser.add_argument("--examples", type=int, default=20)
    sys.exit(asyncio.run(ask_all(parser.parse_args().examples)))
