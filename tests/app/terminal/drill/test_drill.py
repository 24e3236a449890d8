"""A drill's parts: how a deployment is reached, what is done and undone, and what is judged."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import pytest

from app.terminal.drill import drill
from app.terminal.drill.actions import NotDoneError
from app.terminal.drill.concluding import Outcome, as_json, code_of, lines
from app.terminal.drill.deeds import Part
from app.terminal.drill.drill import Standing, main
from app.terminal.drill.drill_options import check, means_of, parser_of_drill
from app.terminal.drill.guarantees import Canary, Guarantee, Sight, judge, still
from app.terminal.drill.means import Compose, Kubectl, Means, Pids
from app.terminal.drill.reader_story import Story
from app.terminal.drill.waves import Course
from app.terminal.exits import Exit
from app.terminal.probe.promises import Breach, Promise
from app.terminal.probe.seen.sightings import Stretch, seen_of
from app.terminal.probe.seen.sse_blocks import Block
from tests.harness.network.broken_sse import BrokenServer, serving

SLEEPER = "import sys, time; print('here', flush=True); time.sleep(600)"


# What a person asks for


def asked(*arguments: str) -> tuple[Means | None, argparse.Namespace]:
    parser = parser_of_drill()
    options = parser.parse_args(arguments)
    check(parser, options)
    return means_of(parser, options), options


def test_how_a_deployment_is_reached() -> None:
    assert asked() == (None, asked()[1])
    means, options = asked("http://here", "--pids", "redis=7,worker=8", "--only", "worker, redis,front")
    assert means is not None
    assert options.only == [Part.WORKER, Part.REDIS]
    several = asked("--pids", "worker=8,9,redis=7")[0]
    assert several == Pids({Part.WORKER: [8, 9], Part.REDIS: [7]})
    assert means.outline(Part.REDIS) == ["kill -STOP 7", "(5 s later) kill -CONT 7"]
    selectors = asked("--kubectl", "chat", "--names", "worker=app=ks,tier in (a,b),redis=app=redis")[0]
    assert selectors == Kubectl("chat", {Part.WORKER: "app=ks,tier in (a,b)", Part.REDIS: "app=redis"})
    assert asked("--compose")[0] == Compose("", {})


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--streams", "0"], "--streams"),
        (["--seconds", "9999"], "--seconds"),
        (["--pids", "worker=1"], "--pids"),
        (["--pids", "valkey=7"], "--pids"),
        (["--pids", "redis=7", "--names", "redis=x"], "--names"),
        (["--pids", "redis=7", "--compose"], "not allowed with"),
        (["--only", "worker,edge"], "--only"),
        (["--compose", "http://here"], "comes first"),
        (["--kubectl", "--names", "redis=--all"], "is no file, namespace or name"),
        (["http://here", "there"], "http"),
        (["ftp://here"], "http"),
    ],
)
def test_what_makes_no_sense_is_exit_code_2(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as raised:
        main(arguments)
    assert raised.value.code == 2
    assert said in capsys.readouterr().err


def test_a_dry_run_shows_all_of_it_and_runs_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    assert main(["--compose", "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert "$ docker kill --signal KILL CONTAINER_OF_WORKER" in told
    assert "unpause CONTAINER_OF_VALKEY" in told


def test_who_is_nowhere_is_exit_code_6(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["http://127.0.0.1:1"]) == Exit.UNREACHABLE
    assert "cannot be reached" in capsys.readouterr().err


def test_nobody_pays_who_did_not_say_so(capsys: pytest.CaptureFixture[str]) -> None:
    with serving(BrokenServer("keepstream")) as server:  # which does not say that it is simulated
        assert main([server.url.partition("/v1/")[0]]) == 2
    assert "about 12 answers of 200 words each would be paid: --real says that they may be" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("part", "before", "returns", "can"),
    [
        (Part.WORKER, Standing(1, 2), False, False),
        (Part.WORKER, Standing(1, 2), True, True),
        (Part.WORKER, Standing(2, 1), False, True),
        (Part.FRONT, Standing(2, 1), False, False),
        (Part.REDIS, Standing(1, 1), False, True),
        (Part.WORKER, None, False, True),
    ],
)
def test_the_last_of_its_kind_is_left_alone(part: Part, before: Standing | None, *, returns: bool, can: bool) -> None:
    with nullcontext() if can else pytest.raises(NotDoneError, match="the only"):
        drill._alone(part, before, returns=returns)


# What is judged


def block(name: str, number: int, data: object = None) -> Block:
    return Block(b"", name, json.dumps({} if data is None else data).encode(), f"{number:04d}")


def delta(number: int, text: str) -> Block:
    return block("content_block_delta", number, {"delta": {"type": "text_delta", "text": text}})


END = {"outcome": "completed"}
WHOLE = [block("message_start", 1), delta(2, "a"), delta(3, "b"), block("message_stop", 4), block("relay.end", 5, END)]
BEGUN_AGAIN = [block("message_start", 8), delta(9, "zzz"), block("relay.reset", 0), *WHOLE]


def sight(*blocks: Block, over: bool = True, after: str | None = None, breach: Breach | None = None) -> Sight:
    story = Story()
    for one in blocks:
        story.take(one)
    stretch = Stretch(after, [seen_of(one) for one in blocks], ended=over, unchained=breach)
    return Sight([stretch], story, over)


def broken(canary: Canary) -> set[Guarantee]:
    return {one.guarantee for one in judge(canary, 1.0)}


@contextmanager
def canary(*sights: Sight, text: str = "ab", replayed: Sight | None = None) -> Iterator[Canary]:
    yield Canary("st_1", text, list(sights), replayed)


BREACH = Breach(Promise.SPLICED, "it does not follow")
WRONG = [
    ("it never ended", [sight(*WHOLE[:3], over=False)], sight(*WHOLE), {Guarantee.G3}),
    ("it cannot be read", [sight(*WHOLE)], None, {Guarantee.G3}),
    ("two endings", [sight(*WHOLE, block("relay.end", 6, END))], sight(*WHOLE), {Guarantee.G3, Guarantee.G1}),
    ("a gap", [sight(*WHOLE[:2], *WHOLE[3:])], sight(*WHOLE), {Guarantee.G1}),
    ("a double", [sight(*WHOLE[:2], *WHOLE[1:])], sight(*WHOLE), {Guarantee.G1}),
    ("wrong at the start", [sight(*WHOLE, breach=BREACH)], sight(*WHOLE), {Guarantee.G1}),
    ("wrong after a resume", [sight(*WHOLE, after="0", breach=BREACH)], sight(*WHOLE), {Guarantee.G2}),
    (
        "another ending",
        [sight(*WHOLE[:4], block("relay.end", 5, {"outcome": "failed"}))],
        sight(*WHOLE),
        {Guarantee.G4},
    ),
    ("without a stop", [], sight(*WHOLE[:3], WHOLE[4]), {Guarantee.G6}),
    ("another text", [], sight(WHOLE[0], delta(2, "ax"), *WHOLE[2:]), {Guarantee.G6}),
    ("half a text", [], sight(*WHOLE[:2], *WHOLE[3:]), {Guarantee.G6}),
]


@pytest.mark.parametrize(
    ("sights", "replayed", "guarantees"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG]
)
def test_what_is_broken_is_called_by_its_name(
    sights: list[Sight], replayed: Sight | None, guarantees: set[Guarantee]
) -> None:
    with canary(*sights, replayed=replayed) as one:
        assert guarantees <= broken(one)
        assert broken(one) <= guarantees | {Guarantee.G1}


def test_what_holds_is_said_to_hold() -> None:
    with canary(sight(*WHOLE), sight(*BEGUN_AGAIN), sight(*WHOLE[1:]), replayed=sight(*WHOLE)) as one:
        assert broken(one) == set()
        assert one.again == 1
        assert not [*still(one, sight(*WHOLE))]
        assert {wrong.guarantee for wrong in still(one, sight(*WHOLE[:4]))} == {Guarantee.G4}


def test_a_failed_stream_may_be_cut_short() -> None:
    failed = [*WHOLE[:2], block("relay.end", 5, {"outcome": "failed"})]
    with canary(sight(*failed), replayed=sight(*failed)) as one:
        assert broken(one) == set()


def test_a_story_takes_whatever_comes() -> None:
    story = Story()
    for data in (b"{", b"[]", b'{"delta":7}', b'{"delta":{"text":7}}'):
        story.take(Block(b"", "content_block_delta", data))
    story.take(Block(b"", "relay.end", b"7"))
    assert (story.text, story.outcome, story.endings) == ([], "", 1)


def test_the_code_is_the_verdict() -> None:
    with canary(sight(*WHOLE), replayed=sight(*WHOLE)) as one:
        good = Course(canaries=[one])
    bad = Course([*judge(Canary("st_\x1b[2J", ""), 1.0)], [Canary("st_1", "")])
    for outcome, code, word in (
        (Outcome(good, {Part.WORKER: "done"}), Exit.COMPLETED, "held"),
        (Outcome(good, undone={Part.REDIS: "no docker"}), Exit.TRUNCATED, "not_shown"),
        (Outcome(bad), Exit.FAILED, "broken"),
    ):
        assert code_of(outcome) is code
        assert json.loads(as_json(outcome, []))["verdict"] == word
        told = [*lines(outcome, ["a-secret"])]
        assert "\x1b" not in "".join(told)
    assert told[-1] == "broken: G3"
    assert "NOT DONE stop Redis" in "\n".join(lines(Outcome(good, undone={Part.REDIS: "no docker"}), []))
