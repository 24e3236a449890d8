from __future__ import annotations

from worker.life.asking.asked import Asked
from worker.life.asking.compose import compose
from worker.upstream.request import Request


def test_without_anything_to_add_the_very_bytes_of_the_client_go_up() -> None:
    request = Request("m", b'{ "model" : "m", "messages":[]}', {}, "")
    assert compose(request, Asked()) is request


def test_marks_are_set_where_they_are_asked_for() -> None:
    request = Request("claude-opus-5", b'{"messages":[{"role":"user","content":"%b"}]}' % (b"x" * 9_000), {}, "")
    assert compose(request, Asked()) is request
    assert compose(request, Asked(cache_prompt="1h")).body.endswith(
        b'"cache_control":{"type":"ephemeral","ttl":"1h"}}]}]}'
    )
