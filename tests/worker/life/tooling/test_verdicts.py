from __future__ import annotations

import orjson
import pytest

from worker.life.tooling.verdicts import Verdict, approval_data, asked_in, verdicts_of


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        (b'{"approve":true}', Verdict(approve=True)),
        (b'{"approve":false,"reason":"too much"}', Verdict(approve=False, reason="too much")),
        (b'{"approve":false,"reason":7}', Verdict(approve=False)),
        (b'{"approve":1}', None),  # nobody has said so
        (b'{"approve":"yes"}', None),
        (b"true", None),
        (b"{", None),
    ],
)
def test_a_verdict_counts_only_in_words_that_can_be_read(said: bytes, verdict: Verdict | None) -> None:
    found = verdicts_of({"verdict:t1": said, "result:t2": b"{}"})
    assert found == ({} if verdict is None else {"t1": verdict})


@pytest.mark.parametrize(
    ("reason", "told"), [("", "A person refused this call."), ("n", "A person refused this call: n")]
)
def test_the_model_is_told_that_a_person_refused(reason: str, told: str) -> None:
    result = Verdict(approve=False, reason=reason).refusal()
    assert (orjson.loads(result.content), result.is_error) == (told, True)


def test_what_a_person_is_asked_says_the_call_as_the_model_wrote_it() -> None:
    data = approval_data("t1", "pay", b'{"sum":1.50}')
    assert data == b'{"tool_use_id":"t1","name":"pay","input":{"sum":1.50}}'
    assert asked_in({"ask:t1": data, "result:t2": b""}) == {"t1"}
