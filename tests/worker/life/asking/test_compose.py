from __future__ import annotations

from worker.life.asking.asked import Asked
from worker.life.asking.compose import compose
from worker.life.asking.repair import Repair
from worker.upstream.request import Request


def test_what_is_to_be_mended_goes_up_behind_the_client_s_messages() -> None:
    request = Request("m", b'{"model":"m","messages":[{"role":"user","content":"hi"}]}', {}, "")
    repair = Repair().again(b'{"content":[{"type":"text","text":"no"}]}', "it is no JSON", 0)
    composed = compose(request, Asked(validate=True), repair=repair)
    assert composed.body.startswith(b'{"model":"m","messages":[{"role":"user","content":"hi"},')
    assert b'{"type":"text","text":"no"}' in composed.body
    assert b"it is no JSON" in composed.body
    assert compose(request, Asked(validate=True), repair=Repair()) is request


def test_without_anything_to_add_the_very_bytes_of_the_client_go_up() -> None:
    request = Request("m", b'{ "model" : "m", "messages":[]}', {}, "")
    assert compose(request, Asked()) is request


def test_marks_are_set_where_they_are_asked_for() -> None:
    request = Request("claude-opus-5", b'{"messages":[{"role":"user","content":"%b"}]}' % (b"x" * 9_000), {}, "")
    assert compose(request, Asked()) is request
    assert compose(request, Asked(cache_prompt="1h")).body.endswith(
        b'"cache_control":{"type":"ephemeral","ttl":"1h"}}]}]}'
    )
