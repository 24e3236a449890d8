from typing import Any

import pytest

from app.dev.simulator.answer.suggesting import suggested
from app.dev.simulator.directives import Directives

TOOLS = [{"name": name} for name in ("clock", "calculator", "get_weather")]


@pytest.mark.parametrize(
    ("question", "calls"),
    [
        ("What time is it?", [("clock", {})]),
        ("What time is it in Europe/Warsaw, and what is (17 + 4) * 2.5?",
         [("clock", {"timezone": "Europe/Warsaw"}), ("calculator", {"expression": "(17 + 4) * 2.5"})]),
        ("12\u00d73 .", [("calculator", {"expression": "12*3"})]),
        ("Use get_weather", [("get_weather", None)]),
        ("Tell me about the times of Rome, in 3 parts", []),
        ("forget_weather", []),
    ],
)  # fmt: skip
def test_a_plain_question_suggests_tools(question: str, calls: list[Any]) -> None:
    body = {"messages": [{"role": "user", "content": question}], "tools": TOOLS}
    assert [(call.name, call.input) for call in suggested(body, Directives())] == calls
    assert not list(suggested(body, Directives(text="x")))
