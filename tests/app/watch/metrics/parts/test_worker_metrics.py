"""What a worker counts."""

from __future__ import annotations

from app.watch.events import of_streams
from app.watch.events.of_streams import CallPaid
from app.watch.metrics.table import Of
from tests.app.watch.metrics.made import OF, after


def ended(outcome: str = "completed", stop_reason: str = "end_turn", **more: float) -> of_streams.Ended:
    tokens = {"output_tokens": 100, "writing_seconds": 2.0, "seconds": 3.0, **more}
    return of_streams.Ended(OF, "m", outcome, "", "", stop_reason, 1, **tokens)  # type: ignore[arg-type]


def test_a_streams_end_is_counted_with_how_long_it_took_and_how_fast_it_was() -> None:
    found = after(Of.WORKER, ended(), ended("failed", ""), ended("truncated", "brand new"))
    assert found["streams_ended_total{outcome=completed,stop_reason=end_turn}"] == 1
    assert found["streams_ended_total{outcome=failed,stop_reason=none}"] == 1
    assert found["streams_ended_total{outcome=truncated,stop_reason=other}"] == 1
    assert found["stream_seconds_count"] == 3
    assert (found["tokens_per_second_count"], found["tokens_per_second_sum"]) == (1, 50)


def test_calls_retries_and_takeovers_are_each_counted_once() -> None:
    """A call that the gate's limits refused is a call and no retry; one that follows a lost worker is a take-over."""
    found = after(
        Of.WORKER,
        of_streams.CallEnded(OF, 1, "m", 429, "rate_limit_error", 0.1, ""),
        of_streams.CallEnded(OF, 1, "m", 529, "overloaded_error", 0.1, ""),
        of_streams.CallEnded(OF, 1, "m", 0, "given_up", 0.1, ""),
        of_streams.Retried(OF, 2, "overloaded_error", 0.5, 529),
        of_streams.Restarted(OF, 3, "connection_error", 0.5, 0),
        of_streams.Restarted(OF, 3, "worker_lost", 0.0, 0),
        of_streams.TakenOver(OF, 2, "worker_lost", content=True),
        of_streams.PartialRecovered(OF),
        of_streams.AppendRefused(OF, "fenced"),
    )
    statuses = {name: count for name, count in found.items() if name.startswith("calls_total") and count}
    assert statuses == dict.fromkeys((f"calls_total{{status={status}}}" for status in ("429", "529", "none")), 1)
    retries = {name: count for name, count in found.items() if name.startswith("retries_total") and count}
    assert retries == {"retries_total{reason=overloaded_error}": 1, "retries_total{reason=connection_error}": 1}
    assert found["takeovers_total{cause=worker_lost}"] == 1
    assert found["partials_recovered_total"] == 1
    assert found["appends_refused_total{status=fenced}"] == 1


def test_only_the_first_claim_says_how_long_a_stream_waited() -> None:
    claims = [(1, 0, False), (2, 0, False), (1, 1, False), (1, 0, True)]
    told = (of_streams.Claimed(OF, attempt, "m", 0.2, times, held) for times, attempt, held in claims)
    found = after(Of.WORKER, *told)
    assert (found["dispatch_seconds_count"], found["dispatch_seconds_sum"]) == (1, 0.2)


def test_first_content_is_measured_from_submit_claim_and_call() -> None:
    found = after(Of.WORKER, of_streams.FirstContent(OF, 1, "m", 3.0, 2.0, 1.0))
    sums = {since: found[f"first_content_seconds_sum{{since={since}}}"] for since in ("submit", "claim", "call")}
    assert sums == {"submit": 3.0, "claim": 2.0, "call": 1.0}


def test_tokens_and_cost_are_counted_by_model_and_models_are_bounded() -> None:
    paid = [CallPaid(OF, f"model-{number}", 10, 20, 3, 4, 0.5) for number in range(30)]
    found = after(Of.WORKER, *paid, CallPaid(OF, "model-0", 1, 1, 1, 1, None))
    assert found["tokens_total{kind=input,model=model-0}"] == 11
    assert found["tokens_total{kind=cache_write,model=model-1}"] == 4
    assert found["cost_usd_total{model=model-0}"] == 0.5
    assert found["tokens_total{kind=output,model=other}"] == 20 * 10
    assert len([name for name in found if name.startswith("cost_usd_total")]) == 21


def test_limits_and_running_streams_are_those_of_now() -> None:
    found = after(Of.WORKER)
    assert (found["streams_running"], found["streams_capacity"], found["draining"]) == (4, 50, 0)
    assert (found["upstream_remaining{limit=requests}"], found["upstream_limit{limit=requests}"]) == (9, 50)


def test_a_tool_is_counted_by_its_name_as_long_as_there_are_few() -> None:
    told = [of_streams.ToolRan(OF, 1, f"tool_{n}", 0.5, failed=n == 0) for n in range(50)]
    found = after(Of.WORKER, *told, told[1])
    assert found["tool_calls_total{told=fault,tool=tool_0}"] == 1
    assert found["tool_calls_total{told=result,tool=tool_1}"] == 2
    assert found["tool_calls_total{told=result,tool=other}"] == 30
    assert (found["tool_seconds_count"], found["tool_seconds_sum"]) == (51, 25.5)
