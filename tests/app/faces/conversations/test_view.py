"""A conversation as JSON: what is set to nothing is null, and a file of it says what the API says."""

from __future__ import annotations

import orjson
import pytest

from app.faces.conversations.view import around, indented, shown
from app.stream.conversations.conversation import Conversation
from app.stream.conversations.turns import Message
from app.stream.frames import Position

ID = "cv_" + "0" * 32
STREAM = "st_" + "1" * 32
META = {"owner": b"me", "state": b"running", "title": b"Rivers", "created_at": b"0", "updated_at": b"1000"}


def a_conversation(*messages: Message, **meta: bytes) -> Conversation:
    return Conversation(ID, 0, Position(86, 0x670FDC6F), META | meta, messages)


def test_what_is_not_set_is_null() -> None:
    assert shown(a_conversation()) == {
        "id": ID,
        "title": "Rivers",
        "system": None,
        "model": None,
        "created_at": "1970-01-01T00:00:00.000Z",
        "updated_at": "1970-01-01T00:00:01.000Z",
    }


def test_where_it_comes_from_is_told() -> None:
    found = a_conversation(forked_from=b'{"id":"cv_2","at":"msg_1"}')
    assert shown(found)["forked_from"] == {"id": "cv_2", "at": "msg_1"}


def test_what_runs_has_the_id_of_its_answer() -> None:
    assert (
        around(a_conversation()).items()
        >= {"offset": "000000086-670fdc6f", "stream_id": None, "answer_id": None}.items()
    )
    running = around(a_conversation(stream=STREAM.encode()))
    assert (running["stream_id"], running["answer_id"]) == (STREAM, "msg_" + "1" * 32)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_file_for_people_says_the_same(count: int) -> None:
    messages: list[Message] = [{"id": f"msg_{n}", "role": "user", "content": [{"text": "a\nb"}]} for n in range(count)]
    found = a_conversation(*messages)
    file = b"".join(indented(found))
    assert orjson.loads(file) == around(found) | {"messages": messages}
    assert file == orjson.dumps(around(found) | {"messages": messages}, option=orjson.OPT_INDENT_2)
