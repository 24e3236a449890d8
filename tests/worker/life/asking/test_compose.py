from __future__ import annotations

from worker.life.asking.asked import Asked
from worker.life.asking.compose import compose
from worker.upstream.request import Request


def test_without_anything_to_add_the_very_bytes_of_the_client_go_up() -> None:
    request = Request("m", b'{ "model" : "m", "messages":[]}', {}, "")
    assert compose(request, Asked()) is request
