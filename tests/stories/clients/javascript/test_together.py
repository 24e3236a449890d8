"""What goes on at once in the JavaScript package, and what one of it makes of another's failure; without a server."""

from __future__ import annotations

import pytest

from tests.stories.clients.javascript.conftest import Project


async def test_a_ticket_that_is_refused_is_refused_to_him_alone_who_asked_for_it(project: Project) -> None:
    seen = await project.ask("together.mjs", "refusedTicket")
    assert seen["results"] == [403, "fine", "fine"]
    assert seen["calls"] == ["st_a", "st_b", "st_c"]


async def test_where_nobody_is_there_who_gives_tickets_one_finds_out_for_all(project: Project) -> None:
    seen = await project.ask("together.mjs", "away")
    assert seen == {"results": ["no network"] * 3, "calls": ["st_a"]}


async def test_two_things_said_at_once_begin_one_conversation(project: Project) -> None:
    seen = await project.ask("together.mjs", "begun")
    assert seen == {"results": ["fine", "fine"], "creates": 1, "says": 2, "known": "cv_1"}


async def test_a_conversation_that_was_refused_to_the_first_is_begun_by_the_second(project: Project) -> None:
    seen = await project.ask("together.mjs", "begunAnew")
    assert seen == {"results": [429, "fine"], "creates": 2, "says": 1, "known": "cv_1"}


async def test_what_is_refused_goes_and_what_is_on_its_way_stays(project: Project) -> None:
    seen = await project.ask("together.mjs", "crossed")
    assert seen["second"] == 409
    assert seen["left"] == ["One…"]
    assert seen["after"] == ["One"]


@pytest.mark.parametrize(("status", "then"), [(403, 403), (404, "goes on"), (410, "goes on")])
async def test_an_answer_that_is_gone_is_looked_up_in_its_conversation_and_one_that_is_refused_is_an_error(
    project: Project, status: int, then: int | str
) -> None:
    assert await project.ask("together.mjs", "unread", str(status)) == then


async def test_a_client_that_is_made_anew_with_each_render_begins_nothing_anew(project: Project) -> None:
    assert (await project.ask("together.mjs", "another"))["calls"] == ["first", "first"]
