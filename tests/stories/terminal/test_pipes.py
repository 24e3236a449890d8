"""Between pipes: what a script is given, and how it is told the end."""

from __future__ import annotations

import asyncio
import os

import httpx
import orjson
import pytest

from tests.harness.network.sse_cutter import CuttingProxy
from tests.harness.relay import Relay
from tests.harness.running import KEEPSTREAM, clean_environment
from tests.long import some_of
from tests.stories.terminal.commands import NOW, STALLED, begin, messages, run, text_of


async def test_a_pipe_is_given_the_answer_and_nothing_else(relay: Relay, http: httpx.AsyncClient) -> None:
    done = await run(relay.url, "chat", given=f"A table, umlauts: äöü {NOW}")
    assert (done.returncode, done.stderr) == (0, "")
    [conversation] = (await http.get("/v1/conversations?limit=1")).json()["data"]
    answer = text_of((await messages(http, conversation["id"]))[1])
    assert done.stdout == answer.rstrip("\n") + "\n"
    assert "\x1b" not in done.stdout


async def test_a_pipe_is_never_given_a_part_that_is_void(relay: Relay) -> None:
    broken = await run(relay.url, "send", "Tw [[sim: tokens=30 rate=0 first=0]] [[sim: cut-after=20 times=1]]")
    whole = await run(relay.url, "send", "Tw [[sim: tokens=30 rate=0 first=0]]")
    assert (broken.returncode, broken.stdout) == (0, whole.stdout)


async def test_a_pipe_goes_on_with_a_conversation_and_waits_for_what_runs_there(
    relay: Relay, http: httpx.AsyncClient
) -> None:
    conversation, stream = await begin(http, f"First {STALLED}")
    async with CuttingProxy(relay.url, []) as proxy:
        waiting = asyncio.create_task(run(proxy.url, "chat", "--conversation", conversation))
        while not proxy.last_event_ids():
            await asyncio.sleep(0.01)
        await http.post(f"/v1/streams/{stream}/cancel")
        waited = await waiting
    assert (waited.returncode, waited.stdout, waited.stderr) == (5, "Alpha beta\n", "keepstream: stopped\n")
    assert (await run(relay.url, "chat", "--conversation", conversation, given=f"Second {NOW}")).returncode == 0
    assert len(await messages(http, conversation)) == 4
    nothing = await run(relay.url, "chat", "--conversation", conversation)
    assert (nothing.returncode, nothing.stderr) == (1, "keepstream: nothing runs in this conversation\n")


@pytest.mark.parametrize(
    ("prompt", "code", "said"),
    some_of(
        [
            ("[[sim: tokens=3 rate=0 first=0]]", 0, ""),
            ("[[sim: status=400 message=no]]", 1, "keepstream: failed: no\n"),
            ("[[sim: max-tokens tokens=3 rate=0 first=0]]", 3, "keepstream: the answer was cut at its limit\n"),
            ("[[sim: refusal]]", 4, "keepstream: the model refused to answer; say it differently\n"),
        ],
        2,
    ),
)
async def test_the_exit_code_says_how_it_ended(relay: Relay, prompt: str, code: int, said: str) -> None:
    done = await run(relay.url, "send", f"Hi {prompt}")
    assert (done.returncode, done.stderr) == (code, said)


async def test_a_script_submits_looks_cancels_and_reads_events(relay: Relay) -> None:
    stream = (await run(relay.url, "send", "--detach", f"Long {STALLED}")).stdout.strip()
    cancelled = await run(relay.url, "cancel", stream)
    assert (cancelled.returncode, cancelled.stderr) == (0, "")
    watched = await run(relay.url, "watch", stream)
    assert (watched.returncode, watched.stderr) == (5, "keepstream: stopped\n")
    events = [orjson.loads(line) for line in (await run(relay.url, "watch", "--json", stream)).stdout.splitlines()]
    assert events[-1]["event"] == "relay.end"
    assert events[-1]["data"]["outcome"] == "cancelled"
    last = await run(relay.url, "watch", "--json", "--after", events[-2]["id"], stream) if len(events) > 1 else None
    assert last is None or [orjson.loads(line) for line in last.stdout.splitlines()] == events[-1:]


async def test_an_operator_stops_all_that_runs_whosever_it_is(relay: Relay, http: httpx.AsyncClient) -> None:
    streams = [(await run(relay.url, "send", "--detach", f"Long {STALLED}")).stdout.strip() for _ in range(2)]
    done = await run(relay.url, "cancel", "--all")
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "2 cancelled\n")
    ended = [(await http.get(f"/v1/streams/{stream}")).json() for stream in streams]
    assert [one["outcome"] for one in ended] == ["cancelled", "cancelled"]
    assert (await run(relay.url, "cancel", "--all")).stdout == "0 cancelled\n"
    assert (await run(relay.url, "cancel")).returncode == 2


async def test_as_json_an_answer_is_the_stream_as_the_server_shows_it(relay: Relay, http: httpx.AsyncClient) -> None:
    done = await run(relay.url, "send", "--json", given=f"Hello {NOW}")
    shown = orjson.loads(done.stdout)
    assert shown == (await http.get(f"/v1/streams/{shown['id']}")).json()
    assert shown["outcome"] == "completed"
    body = {"model": "claude-haiku-5-5", "max_tokens": 50, "messages": [{"role": "user", "content": f"Hi {NOW}"}]}
    done = await run(relay.url, "send", "--json", "--body", given=orjson.dumps(body).decode())
    assert orjson.loads(done.stdout)["model"] == "claude-haiku-5-5"


async def test_what_the_server_refuses_and_a_server_that_is_away_are_one_line(relay: Relay) -> None:
    refused = await run(relay.url, "watch", "st_" + 32 * "0")
    assert (refused.returncode, refused.stderr) == (1, "keepstream: there is no such stream\n")
    away = await run("http://127.0.0.1:1", "cancel", "st_" + 32 * "0")
    assert away.returncode == 6
    assert away.stderr.startswith("keepstream: http://127.0.0.1:1 cannot be reached")


async def test_a_key_is_asked_for_where_one_is_needed(relay: Relay, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("keys") / "keys"
    path.write_text("ann 2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683\n")  # of "key"
    _, url = relay.another_front(KEEPSTREAM_API_KEYS_FILE=str(path))
    refused = await run(url, "send", "Hi")
    assert refused.returncode == 1
    assert "set --key or KEEPSTREAM_KEY" in refused.stderr
    assert (await run(url, "send", f"Hi {NOW}", KEEPSTREAM_KEY="key")).returncode == 0


async def test_a_reader_that_has_enough_ends_it_without_a_traceback(relay: Relay) -> None:
    process = await asyncio.create_subprocess_exec(
        *(*KEEPSTREAM, "watch", "--json", (await run(relay.url, "send", "--detach", f"Hi {NOW}")).stdout.strip()),
        env=clean_environment(KEEPSTREAM_URL=relay.url),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=(pipe := os.pipe())[1],
        stderr=asyncio.subprocess.PIPE,
    )
    os.close(pipe[1])
    os.close(pipe[0])
    _, errors = await process.communicate()
    assert errors == b""


async def test_one_command_tells_why_an_answer_failed(relay: Relay) -> None:
    stream = (await run(relay.url, "send", "--detach", "SECRET [[sim: status=400 message=SECRET]]")).stdout.strip()
    await run(relay.url, "watch", stream)
    told = await run(relay.url, "explain", stream)
    assert (told.returncode, told.stderr) == (0, "")
    first, *_, last = told.stdout.splitlines()
    assert first.startswith(f"{stream}, ended, submitted 2")
    assert last.startswith("failed: the Claude API answered 400 (invalid_request_error), request id req_")
    assert "\x1b" not in told.stdout
    assert "SECRET" not in told.stdout
    story = orjson.loads((await run(relay.url, "explain", "--json", stream)).stdout)
    assert (story["id"], story["why"]) == (stream, last)
    unknown = await run(relay.url, "explain", f"st_{'0' * 32}")
    assert (unknown.returncode, unknown.stdout, unknown.stderr) == (1, "", "keepstream: there is no such stream\n")
