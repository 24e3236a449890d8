"""What is typed and is not said to Claude; what could not be done stands in the line again."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from app.clients.python.keepstream import AsyncClient
from app.terminal.talking.next_message import Asking
from app.terminal.talking.orders import Orders

URL = "http://keepstream"


class Given:
    """What is told, and what the server answers."""

    def __init__(self, status: int = 200, body: object = None) -> None:
        def answer(_: httpx.Request) -> httpx.Response:
            return httpx.Response(status, json=body)

        self.told: list[str] = []
        self.asking = Asking()
        client = AsyncClient(URL, http_client=httpx.AsyncClient(transport=httpx.MockTransport(answer)))
        self.orders = Orders(client, URL, self.asking, self.told.append)


async def test_a_file_that_cannot_go_along_leaves_the_order_in_the_line(tmp_path: Path) -> None:
    given = Given()
    (tmp_path / "a").write_text("aa")
    assert await given.orders.follow(f"/file {tmp_path}/none", None) == f"/file {tmp_path}/none"
    assert await given.orders.follow(f"/file {tmp_path}/a", None) == ""
    assert "goes along" in given.told[-1]
    assert await given.orders.follow("/file", None) == ""
    assert (given.asking.files, given.told[-1]) == ([], "taken back: a (0.1 kB)")
    await given.orders.follow("/file", None)
    assert given.told[-1] == "nothing is to go along"


async def test_a_model_and_a_system_prompt_are_set_and_shown() -> None:
    given = Given(body={"data": [{"id": "m"}, {"id": "n"}]})
    assert await given.orders.follow("/model", None) == ""
    assert await given.orders.follow("/model n", None) == ""
    assert await given.orders.follow("/system  be brief\nand kind ", "cv_1") == ""
    await given.orders.follow("/model", None)
    await given.orders.follow("/system", None)
    assert given.told == [
        "the server chooses; there are: m, n",
        "n answers from now on",
        "so it is asked from now on",
        "n; there are: m, n",
        "be brief\nand kind",
    ]
    assert given.asking.settings() == {"model": "n", "system": "be brief\nand kind"}


async def test_tools_are_shown_and_chosen() -> None:
    given = Given(body={"tools": [{"name": "clock", "description": "The time.\nOf anywhere."}, {"name": "pay"}]})
    for order in ("/tools", "/tools clock, pay", "/tools", "/tools map", "/tools none"):
        assert await given.orders.follow(order, None) == ""
    assert given.told == [
        "○ clock  The time.\n○ pay  ",
        "Claude may use clock, pay from now on",
        "● clock  The time.\n● pay  ",
        "there is no tool map; there are: clock, pay",
        "Claude uses no tools from now on",
    ]
    assert given.asking.relay() == {}
    await given.orders.follow("/tools clock", None)
    assert given.asking.relay() == {"relay": {"tools": ["clock"]}}


async def test_a_refusal_is_told_and_the_order_stays() -> None:
    given = Given(401, {"error": {"type": "authentication_error", "message": "no key"}})
    assert await given.orders.follow("/cost", "cv_1") == "/cost"
    assert await given.orders.follow("/model", None) == "/model"
    assert all("no key" in told for told in given.told)


@pytest.mark.parametrize("said", ["Hi", "/retry", "/models are many", "/etc/passwd", "/cost of this?", "/filet"])
async def test_anything_else_is_no_order(said: str) -> None:
    assert await Given().orders.follow(said, None) is None
