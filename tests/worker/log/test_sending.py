from __future__ import annotations

from app.stream.scripts import NAMES
from worker.log.sending import Scripts


def test_on_a_cluster_what_is_written_is_told_where_it_stands() -> None:
    plain, cluster = Scripts.of(), Scripts.of(cluster=True)
    for ours, theirs in zip(plain.texts, cluster.texts, strict=True):
        assert ours.replace("'PUBLISH'", "'SPUBLISH'") == theirs != ours
    assert NAMES[plain.digest] == NAMES[cluster.digest] == "log/append"
