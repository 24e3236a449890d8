"""What fuzzing has found stays found: each input of each corpus is checked again, without the fuzzer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.__main__ import fuzz
from tests.fuzz.corpus import CORPUS_BYTES, KEPT, LENGTH_MAX, TARGETS, check_of, inputs_of


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_known_stands(target: str) -> None:
    check, inputs = check_of(target), inputs_of(target)
    assert inputs
    for data in inputs:
        check(data)


@pytest.mark.parametrize("target", TARGETS)
def test_a_corpus_is_small(target: str) -> None:
    assert (KEPT / f"{target}.txt").stat().st_size <= CORPUS_BYTES
    assert max(map(len, inputs_of(target))) <= LENGTH_MAX


def test_there_is_no_corpus_without_a_target() -> None:
    assert [file.stem for file in sorted(KEPT.iterdir())] == TARGETS


def test_what_breaks_a_target_is_left_to_be_tried_again(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("atheris", reason="no wheel for this platform")
    assert not fuzz("_planted", 20, into=tmp_path)
    [broken] = tmp_path.iterdir()
    with pytest.raises(AssertionError):
        check_of("_planted")(broken.read_bytes())
    assert f"--replay _planted {broken}" in capfd.readouterr().out
