"""What fakeredis lacks: each word is somebody's, and what no test of theirs shows to be lacking is shown here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fakeredis import FakeAsyncRedis
from redis.exceptions import ResponseError

from app.stream.scripts import source_on_full
from tests.harness.servers import LACKS, InMemoryServer

MARKED = re.compile(r"mark\.lacks\(\"(\w+)\"\)")


def test_each_word_marks_a_test() -> None:
    tests = (Path(__file__).parents[1] / "app").rglob("test_*.py")
    assert {word for test in tests for word in MARKED.findall(test.read_text())} == LACKS.keys()


@pytest.mark.xfail(strict=True, raises=AttributeError, reason=LACKS["sockets"].why)
async def test_its_connections_have_a_transport() -> None:
    connection = InMemoryServer().connect("test").connection_pool.make_connection()
    await connection.connect()
    assert connection._writer.transport


@pytest.mark.xfail(strict=True, raises=ResponseError, reason="what our own client of it leaves out could stay")
async def test_it_knows_the_flags_of_a_script() -> None:
    await FakeAsyncRedis().register_script(source_on_full("cancel"))(keys=["meta", "ctl"])
