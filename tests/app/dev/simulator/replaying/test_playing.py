from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from app.dev.simulator.replaying.playing import add_options, replay_of
from app.dev.simulator.replaying.recording import Fault
from app.dev.simulator.replaying.replay import Replay
from app.dev.simulator.reply import Pace


def read(*argv: str) -> Replay | None:
    parser = argparse.ArgumentParser()
    add_options(parser)
    return replay_of(parser, parser.parse_args(argv))


@pytest.fixture
def file(tmp_path: Path) -> str:
    name = tmp_path / "a.sse"
    name.write_bytes(b"data: {}\n\n")
    return str(name)


def test_nothing_is_played_unless_it_is_asked_for(file: str) -> None:
    assert read() is None
    replay = read("--replay", file, file, "--pace", "40", "--cut", "40%", "--stall", "20", "--times", "2")
    assert replay is not None
    assert (len(replay.files), replay.pace, replay.fault, replay.times) == (2, Pace(40, 0), Fault(0.4, 20), 2)
    as_it_came = read("--replay", file, "--pace", "recorded")
    assert as_it_came is not None
    assert (as_it_came.pace, as_it_came.fault) == (None, None)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--replay", "{missing}"], "No such file"),
        (["--replay", "{empty}"], "no event"),
        (["--replay", "{file}", "--cut", "40"], "share"),
        (["--replay", "{file}", "--cut", "101%"], "share"),
        (["--replay", "{file}", "--pace", "fast"], "recorded"),
        (["--replay", "{file}", "--pace", "-1"], "recorded"),
        (["--replay", "{file}", "--stall", "nan"], "seconds"),
        (["--replay", "{file}", "--times", "0", "--cut", "1%"], "at least 1"),
        (["--replay", "{file}", "--times", "2"], "--cut or --stall"),
        (["--cut", "40%"], "--replay"),
    ],
)
def test_what_says_nothing_is_refused_in_words(
    options: list[str], says: str, file: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (empty := Path(file).with_name("empty")).write_bytes(b"")
    names = {"file": file, "missing": f"{file}.not", "empty": str(empty)}
    with pytest.raises(SystemExit) as left:
        read(*(option.format(**names) for option in options))
    assert left.value.code == 2
    assert says in capsys.readouterr().err
