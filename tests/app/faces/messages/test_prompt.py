"""What a streamed answer asks of a prompt: nothing that was shown is taken back."""

from __future__ import annotations

import pytest

from app.faces.messages.prompt import ABANDON_SECONDS, is_streamed, messages_prompt
from app.intake.prompt import InvalidPromptError
from app.intake.raw_json import Fields, fields_of


def fields(more: bytes = b"") -> Fields:
    return fields_of(b'{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}]' + more + b"}")


def test_only_true_is_streamed() -> None:
    assert is_streamed(fields(b',"stream":true'))
    assert not is_streamed(fields(b',"stream":false'))
    assert not is_streamed(fields())


@pytest.mark.parametrize(("streamed", "then"), [(True, "fail"), (False, "restart")])
def test_what_was_shown_is_not_begun_again(streamed: bool, then: str) -> None:  # noqa: FBT001  # a case
    assert messages_prompt(fields(), streamed=streamed, comes_back=False).on_interrupt == then


def test_a_restart_can_be_asked_for_only_where_it_is_not_seen() -> None:
    restart = fields(b',"relay":{"on_interrupt":"restart"}')
    assert messages_prompt(restart, streamed=False, comes_back=True).on_interrupt == "restart"
    with pytest.raises(InvalidPromptError, match=r"^relay\.on_interrupt: "):
        messages_prompt(restart, streamed=True, comes_back=True)


def test_who_cannot_come_back_leaves_nothing_running() -> None:
    assert messages_prompt(fields(), streamed=True, comes_back=False).relay.abandon_after == ABANDON_SECONDS
    assert messages_prompt(fields(), streamed=True, comes_back=True).relay.abandon_after is None
    assert messages_prompt(fields(), streamed=False, comes_back=False).relay.abandon_after is None
    own = fields(b',"relay":{"abandon_after":7}')
    assert messages_prompt(own, streamed=True, comes_back=False).relay.abandon_after == 7


def test_who_is_shown_nothing_before_it_is_whole_sees_no_restart() -> None:
    final = b',"relay":{"delivery":"final"}'
    assert messages_prompt(fields(final), streamed=True, comes_back=True).on_interrupt == "restart"
    for then in ("restart", "fail"):
        asked = fields(b',"relay":{"delivery":"final","on_interrupt":"%b"}' % then.encode())
        assert messages_prompt(asked, streamed=True, comes_back=True).on_interrupt == then


@pytest.mark.parametrize("streamed", [True, False])
def test_tools_are_the_client_s_here(streamed: bool) -> None:  # noqa: FBT001  # a case
    with pytest.raises(InvalidPromptError, match=r"^relay\.tools: "):
        messages_prompt(fields(b',"relay":{"tools":["clock"]}'), streamed=streamed, comes_back=True)
