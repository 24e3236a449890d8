"""On a terminal: talking, stopping, coming back."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from tests.harness.network.sse_cutter import CuttingProxy
from tests.harness.relay import Relay
from tests.harness.terminal.typing_at import ALT_ENTER, CTRL_C, CTRL_D, ENTER, UP, Typing
from tests.stories.terminal.commands import NOW, STALLED, begin, messages, run, say, text_of

MARKDOWN = "# Tides\\n\\n| a | b |\\n|---|---|\\n| 1 | 2 |\\n\\nThe **end**."
WORDS = [f"word{n}" for n in range(150)]
CONVERSATION = r"--conversation (cv_[0-9a-f]{32})"


async def idle(http: httpx.AsyncClient, conversation_id: str) -> None:
    """Returns once nothing runs there."""
    while (await http.get(f"/v1/conversations/{conversation_id}")).json()["stream_id"]:
        await asyncio.sleep(0.01)


async def leave(at: Typing) -> str:
    """Ends a talk at its prompt; returns the conversation that one is told of."""
    await at.sees(r"\n> *$")
    at.type(CTRL_D)
    assert await at.ends() == 0
    return (await at.sees(CONVERSATION))[1]


async def test_one_talks_and_leaves_and_is_told_how_to_come_back(relay: Relay, http: httpx.AsyncClient) -> None:
    async with Typing("chat", "--url", relay.url) as at:
        await at.say(f'Tides? [[sim: text="{MARKDOWN}" rate=0 first=0]]')
        await at.sees("tokens")
        await at.say("And now,\\")
        await at.sees(r"\n… *$")
        at.type("again? [[sim: text=Again rate=0 first=0]]" + ENTER)
        await at.sees("Again\n.*tokens")
        conversation = await leave(at)
    shown = [line.strip() for line in at.screen.text.splitlines()]
    start = shown.index("Tides")
    assert [shown[start + n] for n in (2, 4, 6)] == ["a  b", "1  2", "The end."]
    assert not at.screen.cursor_hidden
    said = await messages(http, conversation)
    assert [message["role"] for message in said] == ["user", "assistant", "user", "assistant"]
    assert text_of(said[1]) == MARKDOWN.replace("\\n", "\n")
    assert text_of(said[2]).startswith("And now,\nagain?")


async def test_one_chooses_tools_sees_them_run_and_says_whether_one_may(relay: Relay, http: httpx.AsyncClient) -> None:
    pays = r'[[sim: tools="pay{\"chf\":5}" rate=0 first=0]]'
    async with Typing("chat", "--url", relay.url) as at:
        await at.say("/tools pay")
        await at.sees("Claude may use pay from now on")
        await at.say(f"Pay {pays}")
        await at.sees(r"may it run\? pay chf: 5 \(y/n\)")
        at.type("y")
        await at.sees("pay → paid 5[^§]*tokens")
        await at.say(f"Again {pays}")
        await at.sees(r"may it run\? pay chf: 5 \(y/n\)")
        at.type("n")
        await at.sees("pay failed: [^§]*tokens")
        conversation = await leave(at)
    _, first, _, second = await messages(http, conversation)
    given = [answer["steps"][1]["content"][0] for answer in (first, second)]
    assert [block.get("is_error", False) for block in given] == [False, True]


async def test_ctrl_c_stops_the_answer_for_everybody_and_the_talk_goes_on(
    relay: Relay, http: httpx.AsyncClient
) -> None:
    async with Typing("chat", "--url", relay.url) as at:
        await at.say(f"Long {STALLED}")
        await at.sees("\nAlpha")
        at.type(CTRL_C)
        await at.sees("stopped · /continue goes on")
        await at.say("Short [[sim: text=Short rate=0 first=0]]")
        await at.sees("Short\n.*tokens.*\n\n> *$")
        await at.interrupts("Ctrl-C again")
        assert await at.leaves() == 130
        conversation = (await at.sees(CONVERSATION))[1]
    said = await messages(http, conversation)
    assert [message.get("outcome") for message in said] == [None, "cancelled", None, "completed"]
    assert (await http.get(f"/v1/streams/{said[1]['stream_id']}")).json()["outcome"] == "cancelled"


async def test_who_left_comes_back_to_the_running_answer(relay: Relay, http: httpx.AsyncClient) -> None:
    conversation, _ = await begin(http, f"Before {NOW}")
    await idle(http, conversation)
    stream = await say(http, conversation, f"Tell me {STALLED}")
    async with Typing("chat", "--url", relay.url, "--conversation", conversation) as at:
        await at.sees("(?s)> Before.*> Tell me.*Alpha")
        assert (await http.get(f"/v1/streams/{stream}")).json()["state"] == "running"
        await http.post(f"/v1/streams/{stream}/cancel")
        await at.sees("(?s)Alpha.*stopped")
        await leave(at)


async def test_a_dropped_connection_resumes_in_sight(relay: Relay) -> None:
    async with CuttingProxy(relay.url, [6000, 9000]) as proxy, Typing("chat", "--url", proxy.url) as at:
        await at.say(f'Go on [[sim: text="{" ".join(WORDS)}" rate=400 first=0]]')
        await at.sees("tokens")
        await leave(at)
    assert proxy.cut == 2
    assert "reconnecting in 1 s…" in at.seen
    assert "resumed after 2 lost connections" in at.screen.text
    assert [w for w in at.screen.text.partition("first=0]]")[2].split() if w.startswith("word")] == WORDS
    assert "reconnecting" not in at.screen.text


async def test_a_front_that_is_killed_and_comes_back_leaves_no_gap(relay: Relay) -> None:
    front, url = relay.another_front()
    async with Typing("chat", "--url", url) as at:
        await at.say(f'Go on [[sim: text="{" ".join(WORDS)}" rate=80 first=0]]')
        await at.sees(r"(?s)first=0\]\]\s+word0.*\bword15\b")
        front.send(signal.SIGKILL)
        await at.sees("reconnecting in ")
        await asyncio.to_thread(relay.another_front, urlsplit(url).port or 0)
        await at.sees("tokens.* · resumed after a lost connection")
        await leave(at)
    assert [w for w in at.screen.text.partition("first=0]]")[2].split() if w.startswith("word")] == WORDS


async def test_what_was_typed_while_the_server_was_away_is_sent_when_it_is_back(
    relay: Relay, http: httpx.AsyncClient
) -> None:
    front, url = relay.another_front()
    front.send(signal.SIGKILL)
    front.wait()
    async with Typing("chat", "--url", url) as at:
        await at.say("Anybody? [[sim: text=Here rate=0 first=0]]")
        await at.sees(r"cannot be reached(?s:.*)press\s+Enter to try again\n> Anybody")
        await asyncio.to_thread(relay.another_front, urlsplit(url).port or 0)
        at.type(ENTER)
        await at.sees(r"Here\n.*tokens")
        conversation = await leave(at)
    assert len(await messages(http, conversation)) == 2


async def test_a_full_queue_says_when_to_come_back_and_keeps_what_was_typed(
    relay: Relay, http: httpx.AsyncClient
) -> None:
    _, url = relay.another_front(KEEPSTREAM_QUEUE_LIMIT="1")
    [worker] = relay.workers
    worker.send(signal.SIGSTOP)
    try:
        await begin(http, f"First in the line {NOW}")
        async with Typing("chat", "--url", url) as at:
            await at.say("Second [[sim: text=Served rate=0 first=0]]")
            await at.sees(r"too many streams are waiting; try again later \(in \d+ s\)\n> Second")
            piped = await run(url, "chat", given="Third")
            assert (piped.returncode, piped.stdout) == (1, "")
            assert "too many streams are waiting" in piped.stderr
            worker.send(signal.SIGCONT)
            await asyncio.sleep(0.5)
            at.type(ENTER)
            await at.sees(r"Served\n.*tokens")
    finally:
        worker.send(signal.SIGCONT)


async def test_who_waits_in_the_line_sees_the_place_and_can_leave_it(relay: Relay) -> None:
    [worker] = relay.workers
    worker.send(signal.SIGSTOP)
    try:
        async with Typing("chat", "--url", relay.url) as at:
            await at.say("Wait")
            await at.sees(r"in the line, place 1…")
            at.type(CTRL_C)
            await at.sees(r"\nstopped · /retry asks again\n")
    finally:
        worker.send(signal.SIGCONT)


async def test_nothing_that_a_model_or_a_person_said_steers_the_terminal(relay: Relay, http: httpx.AsyncClient) -> None:
    hostile = "a \x1b[2J b \x1b]0;owned\x07 c \x9b31m d \x1bc e\u202eR [x](javascript:1)"
    conversation, stream = await begin(http, f'{hostile} [[sim: text="{hostile}" rate=0 first=0]]')
    await idle(http, conversation)
    marks = ("\x07", "\x9b", "\u202e", "\x1b]", "\x1b[2J", "\x1bc")
    for command in (["chat", "--conversation", conversation], ["watch", stream], ["watch", "--json", stream]):
        async with Typing(*command, "--url", relay.url) as at:
            await at.sees("owned")
            if command[0] == "chat":
                await at.sees("(?s)owned.*owned.*\n> *$")
                at.type(CTRL_D)
            await at.ends()
        assert [mark for mark in marks if mark in at.seen] == []


async def test_what_is_typed_and_is_no_text_is_marked_and_sent(relay: Relay, http: httpx.AsyncClient) -> None:
    for settings in ({}, {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}):
        async with Typing("chat", "--url", relay.url, **settings) as at:
            await at.say(os.fsdecode(b'ab\xffc [[sim: text="\xc5\xbc\xf0\x9f\x90\xa2 end" rate=0 first=0]]'))
            await at.sees(r"end\n.*tokens")
            conversation = await leave(at)
        said, answer = await messages(http, conversation)
        assert text_of(said).startswith("ab\N{REPLACEMENT CHARACTER}c")
        assert text_of(answer) == "ż🐢 end"


async def test_an_attempt_that_broke_is_told_to_be_void(relay: Relay) -> None:
    async with Typing("chat", "--url", relay.url) as at:
        await at.say("Twice [[sim: tokens=110 rate=60 first=0]] [[sim: cut-after=90 times=1]]")
        await at.sees("110 tokens")
        assert len(at.screen.text.split("↑ void: the answer begins again")) == 2


async def test_what_was_said_elsewhere_is_shown_and_what_was_typed_stays(relay: Relay, http: httpx.AsyncClient) -> None:
    conversation, _ = await begin(http, "First [[sim: text=First rate=0 first=0]]")
    async with Typing("chat", "--url", relay.url, "--conversation", conversation) as at:
        await at.sees(r"\n> *$")
        await say(http, conversation, f"From the sofa {STALLED}")
        at.type("From the desk [[sim: text=Desk rate=0 first=0]]" + ENTER)
        await at.sees("(?s)> From the sofa.*\nAlpha")
        at.type(CTRL_C)
        await at.sees("press Enter to send yours")
        await at.sees(r"> From the desk.*$")
        at.type(ENTER)
        await at.sees(r"Desk\n.*tokens")
    assert [text_of(m).split(" [[")[0] for m in await messages(http, conversation) if m["role"] == "user"] == [
        "First",
        "From the sofa",
        "From the desk",
    ]


async def test_a_truncated_answer_goes_on_and_a_failed_one_is_asked_for_again(
    relay: Relay, http: httpx.AsyncClient
) -> None:
    async with Typing("chat", "--url", relay.url) as at:
        await at.say("Cut [[sim: max-tokens tokens=5 rate=0 first=0]]")
        await at.sees("the answer was cut at its limit · /continue goes on · 5 tokens")
        await at.say("/continue")
        await at.sees(r"(?s)> /continue.*tokens.*\n> *$")
        await at.say("Fail [[sim: status=400 message=no times=1]]")
        await at.sees("failed: no · /retry asks again")
        await at.say("/retry")
        await at.sees(r"(?s)/retry asks again.*tokens")
        await at.say("/what")
        await at.sees("there is no /what")
        await at.say("/quit")
        assert await at.ends() == 0
        conversation = (await at.sees(CONVERSATION))[1]
    outcomes = [message["outcome"] for message in await messages(http, conversation) if message["role"] == "assistant"]
    assert outcomes == ["truncated", "completed", "completed"]


async def test_one_says_who_answers_and_how_with_which_files_and_sees_what_it_did_cost(
    relay: Relay, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    (tmp_path / "tide table.txt").write_text("High water at noon")
    (tmp_path / "odd.zip").write_bytes(b"PK\x03\x04\xff\x00")
    async with Typing("chat", "--url", relay.url) as at:
        await at.sees(rf"^claude-\S+ · {relay.url} · /help\n> *$")
        await at.say("/model")
        await at.sees("the server chooses; there are: claude-")
        await at.say("/model claude-haiku-4-5")
        await at.sees("claude-haiku-4-5 answers from now on")
        await at.say(f"/file {tmp_path}/odd.zip")
        await at.sees(r"(?s)odd.zip” cannot be sent. Unpack it.*\n> /file .*odd.zip$")
        await at.interrupts("Ctrl-C again")
        await at.say(f"/file {tmp_path}/tide\\ table.txt")
        await at.sees(r"tide table.txt \(0.1 kB\) goes along with your next message")
        at.type("When?" + ALT_ENTER + "Today. [[sim: text=Noon rate=0 first=0]]" + ENTER)
        await at.sees(r"Noon\n.*tokens · .*first token in \d.*\n\n> *$")
        at.type(UP)
        await at.sees(r"(?s)\n> When\?.*Today.*rate=0 first=0\]\] *$")
        at.type(ENTER)
        await at.sees(r"(?s)Noon\n.*Noon\n.*tokens[^\n]*\n\n> *$")
        await at.say("/cost")
        await at.sees(r"\$0\.\d+ for 2 answers: [\d,]+ tokens read, \d+ written")
        conversation = await leave(at)
    first, answered, second, _ = await messages(http, conversation)
    assert [block["type"] for block in first["content"]] == ["document", "text"]
    assert first["content"][0]["source"]["data"] == "High water at noon"
    assert first["content"][1]["text"].startswith("When?\nToday.")
    assert text_of(second) == first["content"][1]["text"]
    assert answered["model"] == "claude-haiku-4-5"


async def test_a_conversation_that_is_not_there_is_one_line(relay: Relay) -> None:
    async with Typing("chat", "--url", relay.url, "--conversation", "cv_" + 32 * "0") as at:
        assert await at.ends() == 1
    assert at.screen.text == "keepstream: there is no such conversation"
