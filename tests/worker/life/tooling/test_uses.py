from __future__ import annotations

import pytest

from worker.life.tooling.turns import Turns
from worker.life.tooling.uses import DoubledError, Use, collide, goes_on, members_of, tools_of, uses_in

MESSAGE = (
    b'{"content":[{"type":"text","text":"{\\"type\\":\\"tool_use\\"}"},'
    b'{"type":"tool_use","id":"t1","name":"clock","input":{"a":[1.50,{"b":"]}"}]}},'
    b'{"type":"server_tool_use","id":"s1","name":"web_search","input":{}},'
    b'{"type":"tool_use","id":"t2","name":"theirs","input":{}},'
    b'{"type":"tool_use","id":"t3","name":"made_up"}]}'
)


def test_calls_are_ours_but_for_those_of_the_client_s_tools() -> None:
    assert uses_in(MESSAGE, {"theirs"}) == (
        Use("t1", "clock", b'{"a":[1.50,{"b":"]}"}]}', theirs=False),
        Use("t2", "theirs", b"{}", theirs=True),
        Use("t3", "made_up", b"{}", theirs=False),
    )


@pytest.mark.parametrize("message", [b"{}", b'{"content":"text"}', b'{"content":[1,"x",[]]}', b""])
def test_a_message_of_another_shape_calls_nothing(message: bytes) -> None:
    assert uses_in(message, ()) == ()


@pytest.mark.parametrize("ids", [(b'"t1"', b'"t1"'), (b'""', b'"t1"'), (b"7", b'"t1"')])
def test_calls_that_cannot_be_told_apart_are_none(ids: tuple[bytes, ...]) -> None:
    blocks = b",".join(b'{"type":"tool_use","id":%b,"name":"clock"}' % one for one in ids)
    with pytest.raises(DoubledError):
        uses_in(b'{"content":[%b]}' % blocks, ())


def test_a_call_with_the_id_of_an_earlier_one_is_seen() -> None:
    uses = uses_in(MESSAGE, ())
    assert collide(Turns(results={"t1": b"{}"}), uses)
    assert not collide(Turns(results={"t0": b"{}"}), uses)


OURS, THEIRS = Use("a", "clock", b"{}", theirs=False), Use("b", "theirs", b"{}", theirs=True)


@pytest.mark.parametrize(
    ("stop_reason", "uses", "follows"),
    [
        ("tool_use", (OURS,), True),
        ("tool_use", (OURS, THEIRS), True),
        ("tool_use", (THEIRS,), False),
        ("tool_use", (), False),
        ("pause_turn", (), True),
        ("end_turn", (OURS,), False),
        ("max_tokens", (OURS,), False),  # its input may be cut
        ("refusal", (OURS,), False),
        (None, (OURS,), False),
    ],
)
def test_only_what_ends_for_its_tools_goes_on(stop_reason: str | None, uses: tuple[Use, ...], *, follows: bool) -> None:
    assert goes_on(stop_reason, uses) is follows


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (b'{"tools":[{"name":"a"},{"type":"bash_20250124","name":"bash"},{"type":"x"}]}', {"a", "bash", ""}),
        (b'{"tools":null}', set()),
        (b"{}", set()),
    ],
)
def test_the_client_s_own_tools_are_known_by_their_names(body: bytes, names: set[str]) -> None:
    assert tools_of(body) == names


def test_the_members_of_a_request_stay_as_they_are_also_where_a_parser_gives_up() -> None:
    assert members_of(b'{"a": 1.10, "b":[ 1 ]}') == {"a": b"1.10", "b": b"[ 1 ]"}
    deep = b"[" * 5000 + b"]" * 5000
    assert members_of(b'{"a":%b,"b":2}' % deep) == {"a": deep, "b": b"2"}
