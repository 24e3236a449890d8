"""Whether the settings are known, and agree with each other. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from app.access.closed import check_closed
from app.doctor.finding import Finding, must, note, ok, warning
from app.doctor.patient import Patient
from app.environment import is_loopback
from app.settings import NO_SETTING, Settings, SettingsError, unknown, variables
from app.stream.redis.known import QUEUE
from app.stream.redis.servers import LOGS

# What orchestrators commonly give a process to end in: Kubernetes 30, compose 10.
GRACE_SECONDS = 30.0
PREFIX = "KEEPSTREAM_"


async def settings(patient: Patient) -> list[Finding]:
    names = sorted(name for name in patient.environ if {name, name.removesuffix("_FILE")} & set(variables()))
    found = [*_unknown(patient.environ), *disagreements(patient.settings)]
    return [ok(f"set are {', '.join(names)}" if names else "all are as they come"), *found]


def _unknown(environ: Mapping[str, str]) -> Iterator[Finding]:
    ours = {name.removeprefix(PREFIX): name for name in variables()}
    for name in unknown(environ):
        close = difflib.get_close_matches(name.removeprefix(PREFIX), ours, 1)
        yield warning(NO_SETTING % name, f"did you mean {ours[close[0]]}?" if close else "take it away")


def disagreements(of: Settings) -> Iterator[Finding]:
    """What cannot be meant, one finding each."""
    try:
        check_closed(of, of.host)
    except SettingsError as error:
        yield must(str(error))
    if of.anthropic_api_key is None and of.anthropic_base_url is None:
        yield must("ANTHROPIC_API_KEY is not set", "no worker starts without it; give it, or ANTHROPIC_API_KEY_FILE")
    if of.metrics_port is not None and of.metrics_port == of.port and of.port:
        yield must(f"KEEPSTREAM_METRICS_PORT and KEEPSTREAM_PORT are both {of.port}", "give the metrics another one")
    if of.metrics_host is not None and of.metrics_port is None:
        yield warning("KEEPSTREAM_METRICS_HOST says nothing without KEEPSTREAM_METRICS_PORT", "set that as well")
    at = of.metrics_host or of.host
    if of.metrics_port is not None and not is_loopback(at):
        yield note(f"whoever reaches {at}:{of.metrics_port} may read the metrics", "let nobody reach it who should not")
    if not is_loopback(of.host) and of.tls_cert is None and not of.trusted_proxies:
        yield warning(
            f"on {of.host} keys and answers travel without TLS, and no proxy is trusted",
            "set KEEPSTREAM_TRUSTED_PROXIES where one stands before it, or KEEPSTREAM_TLS_CERT and KEEPSTREAM_TLS_KEY",
        )
    yield from _times(of)
    yield from _sizes(of)
    yield from _redis(of)


def _times(of: Settings) -> Iterator[Finding]:
    if of.stream_seconds_max <= of.lease_seconds:
        yield warning(
            f"a stream may take {of.stream_seconds_max:g} s and a dead worker's is found after {of.lease_seconds:g} s",
            "raise KEEPSTREAM_STREAM_SECONDS_MAX, or lower KEEPSTREAM_LEASE_SECONDS",
        )
    if of.retry_wait_max >= of.stream_seconds_max:
        yield warning(
            f"a retry may wait for {of.retry_wait_max:g} s, and a stream takes {of.stream_seconds_max:g} s at most",
            "lower KEEPSTREAM_RETRY_WAIT_MAX",
        )
    if of.stall_timeout > of.silent_timeout:
        yield warning(
            f"KEEPSTREAM_STALL_TIMEOUT ({of.stall_timeout:g}) is longer than KEEPSTREAM_SILENT_TIMEOUT "
            f"({of.silent_timeout:g}), which ends a call before",
            "lower the first one",
        )
    if of.drain_seconds >= GRACE_SECONDS:
        yield note(
            f"a process may take {of.drain_seconds:g} s to drain",
            "what stops it must wait for longer (terminationGracePeriodSeconds, stop_grace_period), or it is killed",
        )


def _sizes(of: Settings) -> Iterator[Finding]:
    for name, most in (("BODIES_BYTES", of.bodies_bytes), ("QUEUE_BYTES", of.queue_bytes)):
        if of.max_prompt_bytes > most:
            yield warning(
                f"a prompt may have {of.max_prompt_bytes} bytes, KEEPSTREAM_{name} is {most}: the largest never pass",
                f"raise KEEPSTREAM_{name}, or lower KEEPSTREAM_MAX_PROMPT_BYTES",
            )
    if of.max_log_bytes > of.worker_bytes:
        yield warning(
            f"one stream may have {of.max_log_bytes} bytes, and all of a worker's {of.worker_bytes}",
            "raise KEEPSTREAM_WORKER_BYTES",
        )


def _redis(of: Settings) -> Iterator[Finding]:
    named = {QUEUE: of.redis_url, LOGS: of.streams_redis_url or ""}
    named = {setting: url for setting, url in named.items() if url}
    has = "have" if len(named) > 1 else "has"
    if of.redis_ca is not None and not any(url.startswith("rediss") for url in named.values()):
        yield warning(
            f"KEEPSTREAM_REDIS_CA says nothing where {' and '.join(named)} {has} no TLS",
            "make it rediss://, or take it away",
        )
    if of.streams_redis_url == of.redis_url:
        yield note("STREAMS_REDIS_URL is what REDIS_URL is", "take it away, or name the server that is meant")
        del named[LOGS]
    for setting, url in named.items():
        host = _host(url)
        if host and not is_loopback(host) and not url.startswith("rediss"):
            yield note(
                f"{setting} is on another machine and asked without TLS: prompts travel there",
                f"use {url.partition('://')[0].replace('redis', 'rediss')}:// between networks",
            )


def _host(url: str) -> str:
    """Of an address of one server; empty where it has none or cannot be read."""
    try:
        return urlsplit(url).hostname or "" if "sentinel" not in url else ""
    except ValueError:
        return ""
