"""The wire as the real SDK sees it, when all is well."""

import json
from datetime import datetime
from typing import Any

import anthropic
import pytest
from anthropic import AsyncAnthropic
from anthropic.types import Message

from app.dev.simulator import answer_for, pieces
from app.dev.simulator.answer.events import PING
from tests.app.dev.simulator.claude import (
    MODEL,
    asking,
    expected,
    raw_body,
    raw_events,
    said,
    streamed,
    text_deltas,
    text_in,
    text_of,
)


def echoed(answer: str) -> Any:
    return json.loads(answer.removeprefix("```json\n").removesuffix("\n```\n"))


async def test_a_stream_has_the_events_of_the_api_in_their_order(claude: AsyncAnthropic) -> None:
    events = await raw_events(claude, "hello")
    names = [name for name, _ in events]
    tokens = len(pieces(said("hello")))
    deltas = ["content_block_delta"] * tokens
    first = ["message_start", "content_block_start", "ping"]
    assert names == [*first, *deltas, "content_block_stop", "message_delta", "message_stop"]
    assert all(json.loads(data)["type"] == name for name, data in events)


async def test_data_is_as_compact_as_the_apis(claude: AsyncAnthropic) -> None:
    body = await raw_body(claude, "[[sim: text=Hé!]]")
    counted = (
        await claude.messages.count_tokens(model=MODEL, messages=asking("[[sim: text=Hé!]]")["messages"])
    ).input_tokens
    assert (
        b'event: message_start\ndata: {"type":"message_start","message":{"model":"claude-opus-5-5","id":"msg_' in body
    )
    assert PING[0] == b'event: ping\ndata: {"type": "ping"}\n\n'
    rest = (
        'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
        '"delta":{"type":"text_delta","text":"Hé"}}\n\n'
        'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,'
        '"delta":{"type":"text_delta","text":"!"}}\n\n'
        'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
        'event: message_delta\ndata: {"type":"message_delta",'
        '"delta":{"stop_reason":"end_turn","stop_sequence":null,"stop_details":null},'
        f'"usage":{{"input_tokens":{counted},"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":2}}}}\n\n'
        'event: message_stop\ndata: {"type":"message_stop"}\n\n'
    )
    assert body.endswith(rest.encode())


async def test_streamed_and_whole_are_the_same_message(claude: AsyncAnthropic) -> None:
    for prompt in ("hello", "a poem", "[[sim: thinking]] python", "[[sim: citations text=light]]", "[[sim: refusal]]"):
        async with claude.messages.stream(**asking(prompt)) as stream:
            streamed_message = await stream.get_final_message()
        whole = await claude.messages.create(**asking(prompt))
        assert comparable(streamed_message) == comparable(whole)
        assert whole.usage.output_tokens == streamed_message.usage.output_tokens


def comparable(message: Message) -> dict[str, Any]:
    return message.model_dump(include={"content", "model", "role", "stop_reason", "stop_sequence", "stop_details"})


async def test_an_answer_can_be_known_beforehand(claude: AsyncAnthropic) -> None:
    for prompt in (
        "hello",
        "a table, please",
        "żółw 🐢",
        "[[sim: tokens=100]]",
        "[[sim: hostile]]",
        "[[sim: text=a-b]]",
    ):
        assert text_of(await streamed(claude, prompt)) == said(prompt)
    assert said("tell me something") == said("tell me something [[sim: rate=0]]")
    assert len({said(f"prompt {number}") for number in range(50)}) > 3


async def test_earlier_turns_are_noticed(claude: AsyncAnthropic) -> None:
    messages: Any = [
        {"role": "user", "content": "What is a log? [[sim: text=A]]"},
        {"role": "assistant", "content": "A list that only grows."},
        {"role": "user", "content": [{"type": "text", "text": "And a table?"}]},
    ]
    answer = await claude.messages.create(model=MODEL, max_tokens=9999, messages=messages)
    assert text_in(answer) == answer_for(messages)
    assert "“What is a log?”" in answer_for(messages)
    assert said("And a table?") in answer_for(messages)


async def test_max_tokens_and_stop_sequences_cut(claude: AsyncAnthropic) -> None:
    short = await claude.messages.create(**{**asking("hello"), "max_tokens": 7})
    assert (short.stop_reason, short.usage.output_tokens) == ("max_tokens", 7)
    assert text_in(short) == expected("hello", 7)
    stopped = await claude.messages.create(
        **asking('[[sim: text="one two three"]]', stop_sequences=["three", "zzz", "wo t"])
    )
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", "wo t")
    assert text_in(stopped) == "one t"
    exact = await claude.messages.create(**{**asking("[[sim: tokens=7]]"), "max_tokens": 7})
    assert (exact.stop_reason, exact.usage.output_tokens) == ("end_turn", 7)


async def test_tokens_asks_for_an_exact_number(claude: AsyncAnthropic) -> None:
    for count in (0, 1, 1500):
        events = await streamed(claude, f"[[sim: tokens={count}]] python")
        assert len(text_deltas(events)) == count
        assert events[-2].usage.output_tokens == count


async def test_every_answer_carries_an_id_and_falling_limits(claude: AsyncAnthropic) -> None:
    left = []
    for _ in range(2):
        response = await claude.messages.with_raw_response.create(**asking("hello"))
        assert response.headers["request-id"].startswith("req_")
        for name in ("requests", "tokens", "input-tokens", "output-tokens"):
            limit, remaining, reset = (
                response.headers[f"anthropic-ratelimit-{name}-{what}"] for what in ("limit", "remaining", "reset")
            )
            assert 0 < int(remaining) < int(limit)
            assert datetime.fromisoformat(reset).tzinfo is not None
        left.append(int(response.headers["anthropic-ratelimit-requests-remaining"]))
    assert left[0] > left[1]


async def test_limits_can_be_dictated(claude: AsyncAnthropic) -> None:
    response = await claude.messages.with_raw_response.create(**asking("[[sim: remaining=3 reset=0]]"))
    assert response.headers["anthropic-ratelimit-requests-remaining"] == "3"


async def test_tokens_are_counted(claude: AsyncAnthropic) -> None:
    messages: Any = asking("hello")["messages"]
    few = await claude.messages.count_tokens(model=MODEL, messages=messages)
    more = await claude.messages.count_tokens(model=MODEL, messages=messages, system="Be brief. " * 50)
    assert 0 < few.input_tokens < more.input_tokens
    answer = await claude.messages.create(**asking("hello"))
    assert answer.usage.input_tokens == few.input_tokens


async def test_every_answer_says_that_it_is_simulated(claude: AsyncAnthropic) -> None:
    for answer in (
        await claude.messages.with_raw_response.create(**asking("hello")),
        await claude.messages.with_raw_response.create(**asking("hello"), stream=True),
        await claude.models.with_raw_response.list(),
    ):
        assert answer.headers["x-keepstream-simulated"] == "1"
    with pytest.raises(anthropic.APIStatusError) as refused:
        await claude.messages.create(**asking("[[sim: status=429]]"))
    assert refused.value.response.headers["x-keepstream-simulated"] == "1"


async def test_models_are_listed_page_by_page(claude: AsyncAnthropic) -> None:
    everything = [model.id async for model in claude.models.list()]
    assert MODEL in everything
    paged = [model.id async for model in claude.models.list(limit=2)]
    assert paged == everything
    page = await claude.models.list(limit=2, after_id=everything[0])
    assert [model.id for model in page.data] == everything[1:3]
    assert (page.first_id, page.last_id, page.has_more) == (everything[1], everything[2], True)
    before = await claude.models.list(limit=2, before_id=everything[3])
    assert [model.id for model in before.data] == everything[1:3]
    assert (await claude.models.retrieve(MODEL)).display_name == "Claude Opus 5.5"
    with pytest.raises(anthropic.NotFoundError):
        await claude.models.retrieve("claude-nonexistent")


async def test_beta_calls_go_the_same_way(claude: AsyncAnthropic) -> None:
    prompt, beta = "[[sim: echo]]", "some-beta-2026"
    answer = await claude.beta.messages.create(**asking(prompt), betas=[beta], extra_query={"beta": "true"})
    seen = echoed(text_in(answer))
    assert seen["headers"]["anthropic-beta"] == beta
    assert seen["query"] == {"beta": "true"}


async def test_echo_shows_what_arrived_but_no_key(claude: AsyncAnthropic) -> None:
    body = asking("[[sim: echo]]", extra_body={"field_of_the_future": {"a": ["ż", None]}})
    headers = {"anthropic-version": "2099-01-01", "x-api-key": "very-secret"}
    answer = text_of(
        [event async for event in await claude.messages.create(**body, stream=True, extra_headers=headers)]
    )
    seen = echoed(answer)
    assert seen["body"]["field_of_the_future"] == {"a": ["ż", None]}
    assert seen["body"]["messages"] == body["messages"]
    assert seen["headers"]["anthropic-version"] == "2099-01-01"
    assert "secret" not in answer
    assert "authorization" not in answer
