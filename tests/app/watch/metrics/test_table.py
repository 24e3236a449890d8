"""The metrics are those of the contract, and are called as the field calls such things."""

from __future__ import annotations

import re

from app.watch.metrics.table import TABLE, Kind, Of, names

# As they are agreed upon, by process: whoever has a dashboard or an alert relies on them.
AGREED = {
    Of.FRONT: """readers, reader_opens_total{face,kind}, reader_closed_total{reason}, reader_resets_total{reason},
        tails, repairs_total{cause}, catchup_reads_total{source}, channel_lag_seconds, sent_bytes_total,
        http_requests_total{route,status}, submit_seconds, refused_total{reason}""",
    Of.QUEUE: "waiting, oldest_waiting_seconds, waiting_for_person, leases, workers, capacity, held_models",
    Of.WORKER: """streams_running, streams_capacity, streams_ended_total{outcome,stop_reason}, stream_seconds,
        dispatch_seconds, first_content_seconds{since}, tokens_per_second, calls_total{status}, retries_total{reason},
        takeovers_total{cause}, partials_recovered_total, appends_refused_total{status}, append_batch_frames,
        tokens_total{model,kind}, cost_usd_total{model}, upstream_remaining{limit}""",
    Of.BOTH: "redis_seconds{script}, redis_errors_total{kind}, loop_lag_seconds, build_info{version}",
}


def test_what_is_agreed_upon_is_there_by_its_name_and_labels() -> None:
    there = {(one.of, one.shown, one.labels) for one in TABLE}
    for of, said in AGREED.items():
        for name, labels in re.findall(r"(\w+)(?:{([\w,]+)})?", said):
            assert (of, f"keepstream_{name}", tuple(labels.split(",")) if labels else ()) in there


def test_names_have_their_units_and_labels_no_ids() -> None:
    for one in TABLE:
        assert re.fullmatch(r"[a-z][a-z0-9_]*[a-z]", one.name)
        assert (one.kind is Kind.COUNTER) == one.shown.endswith("_total")
        assert not re.search(r"_(ms|millis|kb|mb|percent)\b", one.name)
        assert not {"id", "stream", "stream_id", "owner", "key", "request_id"} & set(one.labels)
        assert one.says
    assert len({one.name for one in TABLE}) == len(TABLE)


def test_what_is_there_from_the_start_has_all_labels() -> None:
    assert all(len(labels) == len(one.labels) for one in TABLE for labels in one.first)


def test_queries_are_told_every_series() -> None:
    found = names()
    assert found["keepstream_readers"] == ()
    assert found["keepstream_calls_total"] == ("status",)
    assert found["keepstream_first_content_seconds_bucket"] == ("since", "le")
    assert found["keepstream_first_content_seconds_count"] == ("since",)
    assert "keepstream_first_content_seconds" not in found
