"""The board: all is well, or what needs a person; and nothing on it lies."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Locator, Page, expect

from tests.harness.boards import made_up
from tests.harness.boards.playing import KEY
from tests.page.board.conftest import Board
from tests.page.visiting import CUT, button, status

pytestmark = pytest.mark.asyncio(loop_scope="session")

LEVEL = "data-level"
# What a page takes for old, and for dead, with some to spare.
OLD_MS, DEAD_MS = 5_000, 12_000


def headline(page: Page) -> Locator:
    return page.get_by_role("heading", level=1)


def tile(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name, exact=True)


def lane(page: Page, number: int) -> Locator:
    return page.locator("#lanes li").filter(has_text=made_up.WORKERS[number - 1])


async def test_all_is_well(board: Board) -> None:
    page = await board.visit()
    await expect(headline(page)).to_have_text("All is well")
    await expect(page).to_have_title("✓ All is well · Keepstream")
    await expect(page.locator("#sub")).to_have_text("31 streams run on 4 workers, 142 readers are there, nobody waits.")
    for name, figure, note in (
        ("Waiting", "0", "nobody"),
        ("Running", "31of 80", "streams"),
        ("Tokens a second", "1,240", "of output"),
        ("First content", "620 ms", "99 % within 1.9 s"),
        ("Ended", "432in 15 min", "3 failed, 2 refused, 9 cancelled, 6 truncated"),
        ("Readers", "142", "611 came"),
        ("Retries, take-overs", "4, 0in 15 min", "2 prompts refused"),
        ("Spent today", "$18.42", "$3.07 saved by caches"),
    ):
        await expect(tile(page, name).locator(".big")).to_have_text(figure)
        await expect(tile(page, name).locator(".note")).to_have_text(note)
    chart = page.get_by_role("img", name="Waiting over the last 15 minutes: now 0, at most 5, 5 min ago")
    await chart.hover(position={"x": 1, "y": 10})
    await expect(tile(page, "Waiting").locator(".note")).to_have_text("15 min ago: 0")
    await expect(page.locator("#fronts li")).to_have_count(2)
    await expect(page.locator("#fronts li").first).to_contain_text("74 readers")
    await expect(page.locator("#redis")).to_contain_text("212 MB of 2 GB, 11 %")
    await expect(page.locator("#events")).to_contain_text("9 min ago")
    await expect(lane(page, 1).locator(".on")).to_have_count(9)
    await expect(lane(page, 1)).to_contain_text("9 of 20")


async def test_what_needs_a_person_is_said_first_and_coloured_alone(board: Board) -> None:
    board.playing.shown = made_up.loaded()
    page = await board.visit()
    await expect(headline(page)).to_have_text("A prompt waits for 41 s")
    await expect(page.locator("html")).to_have_attribute(LEVEL, "now")
    await expect(page.locator("#sub")).to_contain_text("start more")
    await expect(page.locator("#needs li")).to_have_text([re.compile("First content takes 43 s")])
    needs = await page.locator("[data-needs]").evaluate_all(
        "all => all.map((one) => [one.ariaLabel, one.dataset.needs])"
    )
    assert needs == [["Waiting", "now"], ["First content", "soon"]]
    announcer = page.locator("#announcer")
    await expect(announcer).to_have_text("A prompt waits for 41 s. First content takes 43 s")
    shown = made_up.loaded()
    shown["queue"]["oldest_seconds"] = 44.0
    await board.playing.show(shown)
    await expect(headline(page)).to_have_text("A prompt waits for 44 s")
    await expect(announcer).to_have_text("A prompt waits for 41 s. First content takes 43 s")  # not again each second


async def test_a_killed_worker_s_streams_are_seen_to_find_new_homes(board: Board) -> None:
    page = await board.visit()
    await expect(lane(page, 3).locator(".on[data-id]")).to_have_count(8)
    before = made_up.streams_of(made_up.calm())
    lost = [row["id"] for row in before if row["worker"] == made_up.WORKERS[2]]
    adrift = [row | {"worker": None} if row["id"] in lost else row for row in before]
    await board.playing.show(made_up.dead_worker(adrift=8), adrift)
    await expect(headline(page)).to_have_text("A worker is gone")
    await expect(page.locator("html")).to_have_attribute(LEVEL, "now")
    await expect(lane(page, 3)).to_contain_text("gone, 4 s ago")
    await expect(lane(page, 3).locator(".lost")).to_have_count(8)
    await expect(tile(page, "Running").locator(".note")).to_have_text("8 without a worker")

    homes = {stream: made_up.WORKERS[(1, 3, 0)[n % 3]] for n, stream in enumerate(lost)}
    moved = [row | {"worker": homes.get(row["id"], row["worker"])} for row in before]
    flights = page.locator(".flight").first.wait_for(state="attached")
    await board.playing.show(made_up.dead_worker(), moved)
    await flights
    await expect(page.locator("html")).to_have_attribute(LEVEL, "soon")
    await expect(lane(page, 3).locator(".lost")).to_have_count(0)
    for number, count in ((1, 11), (2, 10), (4, 10)):
        await expect(lane(page, number).locator(".on")).to_have_count(count)
    for stream, home in homes.items():
        await expect(page.locator("#lanes li", has_text=home).locator(f"[data-id={stream}]")).to_have_count(1)
    await board.playing.show(made_up.calm() | {"workers": made_up.dead_worker()["workers"][:3]})
    await expect(page.locator("#lanes li:not([inert])")).to_have_count(3)
    await expect(headline(page)).to_have_text("All is well")


async def test_squares_are_as_many_as_a_worker_has_streams_whatever_the_list_says(board: Board) -> None:
    shown = made_up.calm()
    shown["workers"][0]["streams"] = 5
    shown["workers"][1] |= {"state": "silent", "renewed_seconds": 6.0}
    await board.playing.show(shown, made_up.streams_of(made_up.calm()))
    page = await board.visit()
    await expect(lane(page, 1).locator("[data-id]")).to_have_count(9)
    await expect(lane(page, 1).locator(".on")).to_have_count(5)
    await expect(lane(page, 2).locator(".lost")).to_have_count(7)
    await expect(lane(page, 2)).to_contain_text("says nothing, 6 s ago")


async def test_numbers_that_nobody_renews_are_said_to_be_old(board: Board) -> None:
    board.allow(CUT, status(503))
    page = await board.visit()
    await board.playing.change(held=True)
    await page.clock.fast_forward(OLD_MS)
    await expect(headline(page)).to_have_text("No data")
    await expect(page.locator("#sub")).to_contain_text("went silent. ")
    await expect(page.locator("#age")).to_contain_text("s old")
    await expect(page.locator("html[data-old]")).to_be_attached()
    await expect(page).to_have_title("✕ No data · Keepstream")
    await board.playing.change(away=True)
    await page.clock.fast_forward(DEAD_MS)
    await expect(page.locator("#sub")).to_contain_text("The front is up but has nothing to show")
    await board.playing.change(held=False, away=False)
    await page.clock.fast_forward(OLD_MS)
    await expect(headline(page)).to_have_text("All is well")
    await expect(page.locator("html[data-old]")).not_to_be_attached()
    await expect(page.locator("#age")).to_have_text("live")


async def test_a_front_that_is_killed_is_nobody_who_answers(board: Board) -> None:
    board.allow(CUT)
    page = await board.visit()
    await page.context.set_offline(True)
    await board.playing.change(away=True)
    await page.clock.fast_forward(DEAD_MS)
    await expect(headline(page)).to_have_text("No response")
    await expect(page.locator("#sub")).to_contain_text(re.compile(r"s old and may be out of date. Trying again "))
    await board.playing.change(away=False)
    await page.context.set_offline(False)  # the page hears of it and does not wait
    await expect(headline(page)).to_have_text("All is well")


async def test_what_a_front_could_not_gather_anew_is_grey_and_does_not_move(board: Board) -> None:
    board.playing.shown = made_up.redis_away()
    page = await board.visit()
    await expect(headline(page)).to_have_text("Redis is away for 7 s")
    await expect(page.locator("html[data-old]")).to_be_attached()
    await expect(page.locator("#age")).to_have_text("7 s old")
    await expect(page.locator("#workers-note")).to_contain_text("4 not heard yet")
    assert await page.evaluate("document.getAnimations().length") == 0


async def test_what_nobody_knows_yet_is_no_number(board: Board) -> None:
    board.playing.shown, board.playing.streams = made_up.unknown(), []
    page = await board.visit()
    await expect(headline(page)).to_have_text("No data yet")
    for name in ("Waiting", "Running", "First content", "Spent today"):
        await expect(tile(page, name).locator(".big")).to_have_text(re.compile("^\N{EN DASH}"))
    await expect(page.locator("#rows")).to_have_text("No streams.")


async def test_who_is_no_operator_is_asked_for_a_key_and_told_why(board: Board) -> None:
    board.allow(status(401), status(403))
    board.playing.wants_key = True
    page = await board.visit()
    dialog = page.get_by_role("dialog", name="Sign in")
    await expect(dialog).to_contain_text("sign in with an admin key")
    await expect(page.locator("#numbers")).to_be_hidden()
    await page.keyboard.press("Escape")
    await expect(headline(page)).to_have_text("For operators")
    await button(page, "Sign in").click()
    await dialog.get_by_label("Key or token").fill("another")
    await page.keyboard.press("Enter")
    await expect(dialog.get_by_role("alert")).to_have_text(
        "This key isn\u2019t valid here. It may have expired or been revoked."
    )
    board.playing.may = False
    await dialog.get_by_label("Key or token").fill(KEY)
    await page.keyboard.press("Enter")
    await expect(headline(page)).to_have_text("Not for this key")
    await expect(dialog).to_contain_text("an admin key. To make one, run: keepstream keys add NAME --admin")
    board.playing.may = True
    await dialog.get_by_label("Key or token").fill(KEY)
    await page.keyboard.press("Enter")
    await expect(headline(page)).to_have_text("All is well")
    assert KEY not in await page.evaluate("JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}])")


async def test_a_stream_is_found_opened_and_cancelled_by_keyboard(board: Board) -> None:
    page = await board.visit()
    find, lines = page.get_by_role("searchbox"), page.locator("#rows button")
    await expect(lines.first).to_be_visible()
    await find.press("Tab")
    await expect(lines.first).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("End")
    await expect(lines.last).to_be_focused()
    await page.keyboard.press("Home")
    await find.fill("katherine")
    await expect(lines).to_have_count(10)
    await find.press("Enter")
    await expect(lines.first).to_be_focused()
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="It runs: call 1 is being answered")
    await expect(dialog.get_by_role("listitem")).to_have_count(7)
    await expect(dialog.get_by_role("listitem").nth(4)).to_have_text("+1.2 sfirst content")
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(lines.first).to_be_focused()
    await page.keyboard.press("Enter")
    await button(dialog, "Cancel the stream").press("Enter")
    await expect(button(dialog, "Keep it")).to_be_focused()
    await page.keyboard.press("Enter")
    assert board.playing.cancelled == []
    await button(dialog, "Cancel the stream").press("Enter")
    await button(dialog, "Cancel it").press("Enter")
    await expect(page.locator("#opened-title")).to_have_text("Cancelled: an operator asked to cancel it")
    await expect(page.locator("#cancelling")).to_be_hidden()
    assert board.playing.cancelled == [f"st_{2:032x}"]


async def test_any_stream_is_opened_by_its_id_and_one_that_is_not_there_is_said_to_be_none(board: Board) -> None:
    board.allow(status(404))
    page = await board.visit()
    await page.get_by_role("searchbox").fill("st_" + 32 * "f")
    await page.get_by_role("searchbox").press("Enter")
    await expect(page.locator("#opened-note")).to_have_text("there is no such stream")
    await button(page, "Close").click()
    await lane(page, 1).locator("[data-id]").nth(2).click()  # its square
    await expect(page.locator("#opened-id")).to_have_text(f"st_{3:032x}")
    await page.mouse.click(5, 5)
    await expect(page.locator("#opened")).to_be_hidden()


async def test_what_others_named_is_text(board: Board) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    row = made_up.row(32 * "a", "running", hostile, hostile, age=3.0, worker=hostile)
    shown = made_up.calm()
    shown["workers"].append(made_up.worker(hostile, 1))
    shown["events"].insert(0, {"at": made_up.NOW, "kind": hostile, "name": hostile, "count": 1})
    await board.playing.show(shown, [row])
    page = await board.visit()
    await expect(page.locator("#rows .owner")).to_have_text(hostile)
    await expect(page.locator("#lanes .name").last).to_have_text(hostile)
    await expect(page.locator("#events span").first).to_have_text(f"{hostile}: {hostile}")
    await expect(page.locator("img")).to_have_count(0)
