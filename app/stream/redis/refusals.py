"""What Redis says instead of an answer, and what that means.

Everything that judges an error of Redis must ask here. The law: an error is judged by its class and its code, never by
how its text begins, for redis-py rewrites texts (`Command # 2 (…) of pipeline caused error: …`) and drops the codes of
the classes it knows. Pure, but for `tell_refusal`.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from redis import exceptions
from redis.exceptions import RedisError, ResponseError

from app.stream.observing import RedisRefused, tell

# What stops a question from being answered: nobody is there, or what is there refuses.
NO_ANSWER = (RedisError, OSError, TimeoutError)


class Kind(StrEnum):
    """What there is to do about it."""

    AWAY = "away"  # nobody answers: ask again in a while
    FOR_NOW = "refuses for now"  # the right server, at a bad time: ask it again in a while
    ELSEWHERE = "elsewhere"  # not the server, or not the session, for it: ask again over a new connection
    UNFIT = "unfit"  # until the operator changes something: ask again, and say it; at the start it is the end
    BUG = "bug"  # the same question will never be answered


# By the code with which an answer of Redis begins.
KINDS = {
    "OOM": Kind.FOR_NOW,  # maxmemory is reached
    "MISCONF": Kind.FOR_NOW,  # the disk does not take what is to be kept
    "NOREPLICAS": Kind.FOR_NOW,  # min-replicas-to-write
    "BUSY": Kind.FOR_NOW,  # a script runs, and runs
    "TRYAGAIN": Kind.FOR_NOW,
    "INPROG": Kind.FOR_NOW,
    "LOADING": Kind.FOR_NOW,  # reading its file
    "READONLY": Kind.ELSEWHERE,  # it was a primary when we connected
    "MASTERDOWN": Kind.ELSEWHERE,
    "REDIRECT": Kind.ELSEWHERE,
    "UNBLOCKED": Kind.ELSEWHERE,
    "NOSCRIPT": Kind.ELSEWHERE,  # a new connection loads the scripts
    "NOAUTH": Kind.UNFIT,
    "WRONGPASS": Kind.UNFIT,
    "NOPERM": Kind.UNFIT,
    "DENIED": Kind.UNFIT,  # protected mode
    "NOPROTO": Kind.UNFIT,
    "MOVED": Kind.ELSEWHERE,  # of a cluster, another node has it
    "ASK": Kind.ELSEWHERE,
    "CLUSTERDOWN": Kind.FOR_NOW,  # somebody of it is away
    "CROSSSLOT": Kind.UNFIT,
}
# What a node of a cluster says where it is not to be asked, or not yet.
OF_CLUSTERS = frozenset({"MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN"})
# Of which redis-py drops the code.
_CODES: tuple[tuple[type[Exception], str], ...] = (
    (exceptions.OutOfMemoryError, "OOM"),
    (exceptions.BusyLoadingError, "LOADING"),
    (exceptions.ReadOnlyError, "READONLY"),
    (exceptions.NoScriptError, "NOSCRIPT"),
    (exceptions.NoPermissionError, "NOPERM"),
    (exceptions.MasterDownError, "MASTERDOWN"),
    (exceptions.AuthorizationError, "NOAUTH"),
    (exceptions.AuthenticationError, "NOAUTH"),
    (exceptions.AuthenticationWrongNumberOfArgsError, "NOAUTH"),
)
# What has no code of its own, by what it says.
_SAYINGS: tuple[tuple[re.Pattern[str], Kind, str], ...] = (
    (re.compile(r"max number of clients"), Kind.AWAY, "ERR"),
    (re.compile(r"ACL failure in script|The user executing the script"), Kind.UNFIT, "NOPERM"),
    (re.compile(r"\AEXEC without MULTI"), Kind.UNFIT, "NOPERM"),  # which was refused
    (re.compile(r"not allowed in cluster mode|DB index is out of range|invalid DB index"), Kind.UNFIT, "ERR"),
    (re.compile(r"unknown (sub)?command", re.IGNORECASE), Kind.UNFIT, "ERR"),
    (re.compile(r"Redis is running in protected mode"), Kind.UNFIT, "DENIED"),
)
# What a certificate that is refused, or a server that speaks no TLS, does not get better of. An end of the connection
# in the middle of a handshake is a server that starts or stops.
_TLS_PASSING = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)

_PIPELINE = re.compile(r".* of pipeline caused error: (?:\((['\"])(?P<all>.*)\1,?\)|(?P<rest>.*))", re.DOTALL)
# On an error that was told once, for it may be met by its connection and by who asked.
_TOLD = "keepstream_told"
# Of a command that it does not know Redis repeats what came with it, and that may be a prompt.
_ARGUMENTS = re.compile(r",? with args beginning with:.*", re.DOTALL)
_DISCARDED = "Transaction discarded because of: "
_CODE = re.compile(r"-?([A-Z][A-Z0-9_]{2,})(?: (.*))?", re.DOTALL)


class UnknownServiceError(ResponseError):
    """The operator's fault: no Sentinel knows the service of the URL."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What became of a question. `words` are Redis' own, or the system's, with their code; safe to show an operator."""

    kind: Kind
    code: str
    words: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.words}"

    @property
    def passes(self) -> bool:
        """Whether the same question may be answered in a while."""
        return self.kind is not Kind.BUG


def refusal_of(error: BaseException) -> Refusal:
    """The judgement of any error of redis-py, of hiredis (an answer as it came), or of the system."""
    text = str(error)
    if annotated := _PIPELINE.fullmatch(text):
        text = annotated["all"] or annotated["rest"] or ""  # what stands before may quote a prompt
    text = _ARGUMENTS.sub("", text.removeprefix(_DISCARDED))
    if isinstance(error, UnknownServiceError):
        return Refusal(Kind.UNFIT, "SENTINEL", text)
    found = _of_tls(error) or _of_text(text) or _of_class(error, text)
    if found is not None:
        return found
    match = _CODE.fullmatch(text)
    code = match[1] if match is not None else "ERR"
    return Refusal(KINDS.get(code, Kind.BUG), code, _with_code(code, text))


def _of_tls(error: BaseException) -> Refusal | None:
    for cause in _chain(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Refusal(
                Kind.UNFIT, "TLS", f"its certificate is refused: {getattr(cause, 'verify_message', '') or cause}"
            )
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, _TLS_PASSING):
            return Refusal(Kind.UNFIT, "TLS", f"no TLS with it: {getattr(cause, 'reason', '') or cause}")
    return None


def _of_text(text: str) -> Refusal | None:
    for pattern, kind, code in _SAYINGS:
        if pattern.search(text):
            return Refusal(kind, code, _with_code(code, text))
    return None


def _of_class(error: BaseException, text: str) -> Refusal | None:
    for of_class, code in _CODES:
        if isinstance(error, of_class):
            return Refusal(KINDS[code], code, _with_code(code, text))
    if isinstance(error, exceptions.ConnectionError | exceptions.TimeoutError | OSError | TimeoutError):
        return Refusal(Kind.AWAY, type(error).__name__, text or type(error).__name__)
    return None


def _with_code(code: str, text: str) -> str:
    # A password that is wrong and one that is missing are one class to redis-py.
    if code == "NOAUTH" and text.startswith("invalid username"):
        code = "WRONGPASS"
    return text if text.startswith(code) else f"{code} {text}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, and what it came of: redis-py keeps neither class nor code of what the system said."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def tell_refusal(asker: str, error: BaseException) -> Refusal:
    """The refusal that `error` is, told. `asker` is a word for who asked, one of a few: never an id."""
    refusal = refusal_of(error)
    # The words of a bug may quote what was asked with, and so a prompt.
    words = refusal.code if refusal.kind is Kind.BUG else refusal.words
    again, vars(error)[_TOLD] = _TOLD in vars(error), True
    tell(RedisRefused(asker, refusal.kind, refusal.code, words, type(error).__name__, again or None))
    return refusal
