"""The tables of metrics say what the processes do, and its queries name metrics that exist."""

from __future__ import annotations

import re

from app.watch.metrics.table import TABLE, names
from tests.app.docs.shelf import SHELF

PAGE = SHELF["operating"]
ROW = re.compile(r"^\| `keepstream_(\w+)(?:{([\w,]*)})?` \| (\w+) \| (.+) \|$", re.MULTILINE)


def test_each_metric_has_one_row_that_says_what_it_is() -> None:
    told = ROW.findall(PAGE.text)
    there = [(one.shown.removeprefix("keepstream_"), ",".join(one.labels), str(one.kind), one.says) for one in TABLE]
    assert sorted(told) == sorted(there)


def test_queries_name_series_and_labels_that_exist() -> None:
    queries = [span for span in PAGE.spans if re.search(r"\b(sum|rate|histogram_quantile)\b", span)]
    assert len(queries) > 6
    for query in queries:
        for name, labels in re.findall(r"(keepstream_\w+)(?:{([^}]*)})?", query):
            assert name in names(), query
            assert set(re.findall(r'(\w+)(?:=|!=|=~|!~)"', labels)) <= set(names()[name]), query
