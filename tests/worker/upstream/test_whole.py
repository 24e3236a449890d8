from __future__ import annotations

from app.stream.ledger.usage import Brought
from worker.upstream.whole import WholeMessage

MESSAGE = b'{"model":"m","stop_reason":"tool_use","usage":{"output_tokens":1.50}}'


def test_a_message_says_what_stands_in_it() -> None:
    found = WholeMessage(MESSAGE)
    assert found.json() is MESSAGE
    assert found.stop_reason == "tool_use"
    assert found.brought() == Brought("m", b'{"output_tokens":1.50}', "tool_use", counted=True, whole=True)


def test_what_cannot_be_read_is_missing() -> None:
    found = WholeMessage(b'{"model":7,"stop_reason":NaN}')
    assert (found.stop_reason, found.brought().model) == (None, None)
