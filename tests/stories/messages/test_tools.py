"""Tools of the client's own, as the Claude API's SDK runs them: by its runner, and by hand."""

from __future__ import annotations

import json
from typing import Any

import pytest
from anthropic import AsyncAnthropic, NotFoundError, beta_async_tool
from anthropic.lib.tools import BetaAsyncFunctionTool

from tests.stories.messages.asking import MODEL, WEATHER, alike, asking

FORECAST: dict[str, Any] = {"city": "Thun", "days": 2}
LOOP = f'[[sim: tools="get_weather{json.dumps(FORECAST).replace(chr(34), chr(92) + chr(34))}" turns=3 tell]]'


def weather(asked: list[dict[str, Any]]) -> BetaAsyncFunctionTool[Any]:
    @beta_async_tool
    async def get_weather(city: str, days: int) -> str:
        """The weather of a city."""
        asked.append({"city": city, "days": days})
        if len(asked) == 2:
            raise ValueError("the sky is closed")
        return f"Rain in {city}, day {len(asked)} of {days}."

    return get_weather


def told(text: str) -> list[tuple[dict[str, Any], str, bool]]:
    return [(one["input"], one["content"], one["is_error"]) for one in json.loads(text)]


@pytest.mark.parametrize("more", [{}, {"stream": True}, {"thread": False}])
async def test_the_sdk_s_tool_runner_runs_its_loop(
    direct: AsyncAnthropic, relayed: AsyncAnthropic, more: dict[str, bool]
) -> None:
    """Where the API holds the conversation, as it does for this runner unless told not to, and where all is sent."""
    seen = []
    for client in (direct, relayed):
        asked: list[dict[str, Any]] = []
        runner = client.beta.messages.tool_runner(
            model=MODEL,
            max_tokens=4096,
            tools=[weather(asked)],
            messages=[{"role": "user", "content": LOOP}],
            **more,
        )
        last = await runner.until_done()
        assert asked == [FORECAST] * 3
        seen.append(last)
    says = told(seen[1].content[-1].text)
    assert [(given, failed) for given, _, failed in says] == [(FORECAST, False), (FORECAST, True), (FORECAST, False)]
    assert "the sky is closed" in says[1][1]
    assert says == told(seen[0].content[-1].text)


async def test_tools_by_hand_with_the_messages_sent_again(direct: AsyncAnthropic, relayed: AsyncAnthropic) -> None:
    seen = []
    for client in (direct, relayed):
        body = asking("", LOOP, tools=[WEATHER])
        turns = []
        while True:
            async with client.messages.stream(**body) as stream:
                message = await stream.get_final_message()
            turns.append(alike(message.to_dict()))
            if message.stop_reason != "tool_use":
                break
            results = [
                {"type": "tool_result", "tool_use_id": block.id, "content": f"Rain, {block.input['days']} days."}
                for block in message.content
                if block.type == "tool_use"
            ]
            answer: list[dict[str, Any]] = [{"role": "assistant", "content": message.to_dict()["content"]}]
            body["messages"] = [*body["messages"], *answer, {"role": "user", "content": results}]
        assert told(message.content[-1].text) == [(FORECAST, "Rain, 2 days.", False)] * 3  # type: ignore[union-attr]
        seen.append(turns)
    assert seen[1] == seen[0]


@pytest.mark.parametrize("stream", [False, True])
async def test_what_the_api_says_for_its_sdk_of_a_refusal_is_passed_on(
    direct: AsyncAnthropic, relayed: AsyncAnthropic, *, stream: bool
) -> None:
    """By these details the runner knows that it has to send all of a conversation that is no longer held."""
    going_on = {"thread": {"type": "continue", "previous_message_id": "msg_forgotten"}}
    seen = []
    for client in (direct, relayed):
        with pytest.raises(NotFoundError) as refused:
            await client.messages.create(**asking("", "And then?"), stream=stream, extra_body=going_on)
        seen.append(refused.value.body["error"])  # type: ignore[index]
    assert seen[0]["details"] == {"error_code": "thread_not_found"}
    assert seen[1] == seen[0]
