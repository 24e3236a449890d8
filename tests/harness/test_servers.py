"""What fakeredis lacks: each word of it is some test's, and what our own client of it makes up for is still lacking."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fakeredis import FakeAsyncRedis
from redis.exceptions import ResponseError

from app.stream.scripts import source_on_full
from tests.harness.servers import LACKS

MARKED = re.compile(r"mark\.lacks\(\"(\w+)\"\)")


def test_each_word_marks_a_test() -> None:
    tests = (Path(__file__).parents[1] / "app").rglob("test_*.py")
    assert {word for test in tests for word in MARKED.findall(test.read_text())} == LACKS.keys()


@pytest.mark.xfail(strict=True, raises=ResponseError, reason="what our own client of it leaves out could stay")
async def test_it_knows_the_flags_of_a_script() -> None:
    await FakeAsyncRedis().register_script(source_on_full("log/cancel"))(keys=["meta", "ctl"])
