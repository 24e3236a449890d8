from __future__ import annotations

from app.watch.events import of_fronts, of_streams
from app.watch.traces import span_fields as fields
from tests.app.watch.vocabulary import example

MADE = {
    of_streams.Submitted: fields.submitted,
    of_streams.Refused: fields.refused,
    of_streams.Claimed: fields.claimed_again,
    of_streams.TakenOver: fields.taken_over,
    of_streams.CallStarted: fields.call_started,
    of_streams.FirstContent: fields.first_content,
    of_streams.Silent: fields.silent,
    of_streams.CallEnded: fields.call_ended,
    of_streams.ToolRan: fields.tool_ran,
    of_streams.Ended: fields.ended,
    of_fronts.ReaderLeft: fields.resumed,
    of_fronts.ReaderServed: fields.resumed,
}


def test_a_span_says_ids_words_and_numbers_under_names_of_opentelemetry_or_of_ours() -> None:
    for kind, make in MADE.items():
        said = make(example(kind))  # type: ignore[operator]
        assert said
        for name, value in said.items():
            assert name.split(".")[0] in ("keepstream", "gen_ai", "http")
            assert isinstance(value, str | int | float)


def test_what_is_not_known_is_not_said() -> None:
    of = example(of_streams.Ended).of  # type: ignore[attr-defined]
    said = fields.ended(of_streams.Ended(of, "", "failed", "", "", "", 0))
    assert not [name for name in said if "usage" in name or "cost" in name or name == fields.MODEL]
