from __future__ import annotations

from app.watch.traces.ids import StreamIds


def test_a_streams_own_trace_has_its_id() -> None:
    ids, stream_id = StreamIds(), "st_" + "5c" * 16
    with ids.of_stream(stream_id):
        assert f"{ids.generate_trace_id():032x}" == stream_id.removeprefix("st_")
    assert f"{ids.generate_trace_id():032x}" != stream_id.removeprefix("st_")


def test_of_what_is_no_stream_they_are_random() -> None:
    ids = StreamIds()
    for other in ("", "st_1x", "st_" + "0" * 32, "cv_1"):
        with ids.of_stream(other):
            assert ids.generate_trace_id() != ids.generate_trace_id()
