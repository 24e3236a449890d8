"""Every way in which Redis says no, as redis-py and hiredis bring it, and what it is taken for."""

from __future__ import annotations

import asyncio
import ssl

import hiredis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import exceptions
from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from app.stream.observing import RedisRefused
from app.stream.redis import refusals
from app.stream.redis.refusals import KINDS, Kind, refusal_of, tell_refusal
from tests.harness.heard import heard

FULL = "command not allowed when used memory > 'maxmemory'."


def caused(error: BaseException, cause: BaseException) -> BaseException:
    """As redis-py raises what the system said."""
    error.__context__ = cause
    return error


UNSIGNED = ssl.SSLCertVerificationError(1, "certificate verify failed")
UNSIGNED.verify_message = "self-signed certificate"

SAID = [
    (exceptions.OutOfMemoryError(FULL), Kind.FOR_NOW, "OOM"),
    (ResponseError(f"OOM {FULL}"), Kind.FOR_NOW, "OOM"),
    (exceptions.ReadOnlyError("You can't write against a read only replica."), Kind.ELSEWHERE, "READONLY"),
    (exceptions.MasterDownError("MASTERDOWN Link with MASTER is down"), Kind.ELSEWHERE, "MASTERDOWN"),
    (exceptions.NoScriptError("No matching script."), Kind.ELSEWHERE, "NOSCRIPT"),
    (exceptions.BusyLoadingError("Redis is loading the dataset in memory"), Kind.FOR_NOW, "LOADING"),
    (exceptions.AuthenticationError("Authentication required."), Kind.UNFIT, "NOAUTH"),
    (exceptions.AuthenticationError("invalid username-password pair or user is disabled."), Kind.UNFIT, "NOAUTH"),
    (exceptions.NoPermissionError("No permissions to access a channel"), Kind.UNFIT, "NOPERM"),
    (ResponseError("ACL failure in script: No permissions to access a key script: on 1."), Kind.UNFIT, "NOPERM"),
    (ResponseError("The user executing the script can't run this command or subcommand"), Kind.UNFIT, "NOPERM"),
    (ResponseError("EXEC without MULTI"), Kind.UNFIT, "NOPERM"),
    (exceptions.ExecAbortError("Transaction discarded because of: NOPERM User a has no"), Kind.UNFIT, "NOPERM"),
    (exceptions.ExecAbortError(f"Transaction discarded because of: OOM {FULL}"), Kind.FOR_NOW, "OOM"),
    (ResponseError("DB index is out of range"), Kind.UNFIT, "ERR"),
    (ResponseError("unknown command 'EVALSHA', with args beginning with: "), Kind.UNFIT, "ERR"),
    (exceptions.ConnectionError("max number of clients reached"), Kind.AWAY, "ERR"),
    (exceptions.ConnectionError("Error 111 connecting to 127.0.0.1:1."), Kind.AWAY, "ConnectionError"),
    (exceptions.TimeoutError("Timeout reading from 127.0.0.1:1"), Kind.AWAY, "TimeoutError"),
    (ConnectionResetError(), Kind.AWAY, "ConnectionResetError"),
    (TimeoutError(), Kind.AWAY, "TimeoutError"),
    (ResponseError("WRONGTYPE Operation against a key holding the wrong kind of value"), Kind.BUG, "WRONGTYPE"),
    (ResponseError("user_script:1: attempt to index a nil value"), Kind.BUG, "ERR"),
    (refusals.UnknownServiceError("no Sentinel knows the service 'a'"), Kind.UNFIT, "SENTINEL"),
    (caused(exceptions.ConnectionError("Error 1 connecting to a:1."), UNSIGNED), Kind.UNFIT, "TLS"),
    (caused(exceptions.ConnectionError("a"), ssl.SSLError(1, "WRONG_VERSION_NUMBER")), Kind.UNFIT, "TLS"),
    (caused(exceptions.ConnectionError("a"), ssl.SSLEOFError(8, "EOF occurred")), Kind.AWAY, "ConnectionError"),
]  # fmt: skip


@pytest.mark.parametrize(("error", "kind", "code"), SAID)
def test_each_refusal_is_taken_for_what_it_is(error: BaseException, kind: Kind, code: str) -> None:
    assert (refusal_of(error).kind, refusal_of(error).code) == (kind, code)


@pytest.mark.parametrize("code", sorted(KINDS))
def test_each_code_is_known_however_it_comes(code: str) -> None:
    for error in (
        ResponseError(f"{code} it says"),
        ResponseError(f"Command # 2 (INCRBY b 1) of pipeline caused error: ('{code} it says',)"),
        ResponseError(f'Command # 2 (INCRBY b 1) of pipeline caused error: ("{code} it\'s so",)'),
        ResponseError(f"{code} it says script: on @user_script:1."),
        hiredis.ReplyError(f"{code} it says"),
    ):
        assert (refusal_of(error).kind, refusal_of(error).code) == (KINDS[code], code)


@pytest.mark.parametrize(("error", "kind", "code"), [said for said in SAID if isinstance(said[0], ResponseError)])
def test_what_a_pipeline_makes_of_it_is_the_same(error: ResponseError, kind: Kind, code: str) -> None:
    rewritten = type(error)(f"Command # 2 (SET a OOM) of pipeline caused error: {error.args}")
    assert (refusal_of(rewritten).kind, refusal_of(rewritten).code) == (kind, code)


@given(
    st.text(), st.sampled_from([RedisError, ResponseError, exceptions.OutOfMemoryError, OSError, hiredis.ReplyError])
)
def test_whatever_is_said_it_is_judged(text: str, kind: type[Exception]) -> None:
    assert isinstance(refusal_of(kind(text)).kind, Kind)


@pytest.mark.lacks("maxmemory")
async def test_what_a_real_server_says_without_room(redis: Redis) -> None:
    await redis.config_set("maxmemory", "1")
    try:
        for ask in (
            lambda: redis.set("a", "b", px=1000),
            lambda: redis.eval("redis.call('SET', KEYS[1], 'b')", 1, "a"),
            lambda: redis.pipeline(transaction=True).get("a").incr("b").expire("b", 1).execute(),
            lambda: redis.pipeline(transaction=False).set("a", "a secret").execute(),
        ):
            with pytest.raises(RedisError) as refused:
                await ask()
            refusal = refusal_of(refused.value)
            assert (refusal.kind, refusal.code) == (Kind.FOR_NOW, "OOM")
            assert "secret" not in refusal.words
    finally:
        await redis.config_set("maxmemory", "0")


def test_each_refusal_is_told() -> None:
    with heard() as events:
        for _ in range(3):
            tell_refusal("claims", exceptions.ReadOnlyError("read only"))
    assert events == [RedisRefused("claims", "elsewhere", "READONLY", "READONLY read only", "ReadOnlyError")] * 3


def test_who_tells_what_its_connection_has_told_says_so() -> None:
    error = exceptions.ReadOnlyError("read only")
    with heard() as events:
        for asker in ("answers", "claims", "leases"):
            tell_refusal(asker, error)
    assert [event.again for event in events if isinstance(event, RedisRefused)] == [None, True, True]


def test_what_may_quote_a_prompt_is_told_by_its_code_alone() -> None:
    with heard() as events:
        tell_refusal("claims", ResponseError("a secret"))
    assert events == [RedisRefused("claims", "bug", "ERR", "ERR", "ResponseError")]


async def test_a_cancellation_is_no_refusal() -> None:
    assert not isinstance(asyncio.CancelledError(), refusals.NO_ANSWER)


def test_of_a_command_that_it_does_not_know_nothing_is_told_but_its_name() -> None:
    said = "unknown command 'EVALSHA', with args beginning with: 'e0e1' '2' 'ks:{st_1}:meta' 'a secret'"
    assert refusal_of(ResponseError(said)).words == "ERR unknown command 'EVALSHA'"
    assert refusal_of(exceptions.ExecAbortError(f"Transaction discarded because of: {said}")).words.endswith(
        "'EVALSHA'"
    )
