"""How the next message is asked, and what it all did cost. Pure, but for the files."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.terminal.talking.attached import RefusedFileError
from app.terminal.talking.next_message import SAID_BYTES, Asking, cost_of, first_line, models_among

ANSWER = {"role": "assistant", "cost_usd": 0.25, "usage": {"input_tokens": 1000, "output_tokens": 20}}


def test_files_stand_before_what_is_said(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("aa")
    asking = Asking()
    assert asking.content("Hi") == "Hi"
    asking.attach(str(tmp_path / "a"))
    content = asking.content("Hi")
    assert isinstance(content, list)
    assert [block["type"] for block in content] == ["document", "text"]


def test_all_files_of_a_message_fit_into_one_request(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 600)
    asking = Asking(most=SAID_BYTES + 1000)
    asking.attach(str(tmp_path / "a"))
    with pytest.raises(RefusedFileError, match="There is room for"):
        asking.attach(str(tmp_path / "a"))
    assert len(asking.files) == 1


def test_what_a_conversation_was_made_with_is_not_said_again_until_it_is_another() -> None:
    asking = Asking(model="m", system="s")
    assert asking.settings() == {}
    asking.set(model="n", made=False)
    assert (asking.model, asking.settings()) == ("n", {})
    asking.set(system="t", made=True)
    assert asking.settings() == {"model": "n", "system": "t"}


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ([{"role": "user"}], "nothing was answered yet"),
        ([ANSWER], "$0.2500 for 1 answer: 1,000 tokens read, 20 written"),
        ([ANSWER, {"role": "assistant", "cost_usd": None}], "$0.2500 and what 1 of them did cost for 2 answers: 1,000"),
        ([{"role": "assistant", "usage": None}], "an unknown price for 1 answer: 0 tokens read"),
    ],
)
def test_what_it_did_cost_as_far_as_that_is_known(messages: list[dict[str, object]], said: str) -> None:
    assert cost_of(messages).startswith(said)


def test_the_first_line_has_what_is_known() -> None:
    assert first_line("m", "http://k") == "m · http://k · /help"
    assert first_line(None, "http://k") == "http://k · /help"


def test_models_are_named_as_far_as_they_have_names() -> None:
    assert models_among({"data": [{"id": "a"}, {}, 7, {"id": None}]}) == ["a"]
    assert models_among({}) == []
