"""Events whose words nobody can read any more: every letter and digit of what was said, thought or called with is
another one of the same length in bytes. Pure.

The rule: what parses stays parseable and as long as it was, event for event: names, types, ids, counts, escapes and
punctuation stand; JSON that comes in pieces (a tool's input, a text that is JSON) keeps its keys and words of its own.
So a fault that hangs on sizes, on cuts or on escapes is still there, and no text is: from where something is no JSON on
it is hidden as any text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum

import orjson

from app import surrogates
from app.terminal.capturing.upstream_events import frames, name_of

# What is no text of anybody's: of these keys the values stand.
_STRUCTURE = frozenset(
    {"type", "id", "model", "role", "stop_reason", "stop_sequence", "service_tier", "name", "tool_use_id", "message_id"}
)
# Within these values are a tool's or a page's own keys: there nothing stands but the kinds of what a page has.
_FOREIGN = {"input": frozenset[str](), "content": frozenset({"type"})}
_PIECES = frozenset({"text", "thinking", "partial_json"})
# A letter or digit by its bytes in UTF-8: what stands for it has as many.
_STANDS_FOR = {1: "x", 2: "é", 3: "字", 4: "\U0001d499"}
_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)", re.DOTALL)
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
DIGITS = 4
_NUMBER = re.compile(rb"-?[0-9][0-9.eE+-]*")
# As far as one has come, and the other words of JSON.
_OF_NUMBER = re.compile(r"-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?(?:[eE][+-]?[0-9]*)?)?", re.ASCII)
_WORDS = ("true", "false", "null")
_BLANK, _SIGNS = frozenset(" \t\r\n"), frozenset('"{}[],:')
_KEY_FOLLOWS = re.compile(rb"\s*:")
_DATA = re.compile(rb"^data: ?", re.MULTILINE)
_NEXT_LINE = b"\ndata: "


def redacted(events: bytes) -> bytes:
    """The same events, unreadable."""
    pieces: dict[int, _Json] = {}
    return b"".join(_frame(frame, pieces) for frame in frames(events))


def _frame(frame: bytes, pieces: dict[int, _Json]) -> bytes:
    found = _DATA.search(frame)
    if found is None:
        return frame
    head, data = frame[: found.end()], frame[found.end() :]
    if name_of(frame) == b"message_start":
        pieces.clear()
    try:
        event = surrogates.loads(data.replace(_NEXT_LINE, b"\n"))
    except ValueError:
        return head + _NEXT_LINE.join(map(_words, data.split(_NEXT_LINE)))
    index = event.get("index") if isinstance(event, dict) else None
    return head + _data(data, index if isinstance(index, int) else -1, pieces)


def _words(data: bytes) -> bytes:
    """What is no JSON."""
    return _hidden(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _data(data: bytes, index: int, pieces: dict[int, _Json]) -> bytes:
    """Each text of a JSON text, by the key that it stands under."""
    out: list[bytes] = []
    at, key = 0, ""
    depth, foreign_at, stands = 0, 0, _STRUCTURE
    for found in _STRING.finditer(data):
        between = data[at : found.start()]
        if foreign_at:
            between = _NUMBER.sub(_number, between)
        depth += between.count(b"{") + between.count(b"[") - between.count(b"}") - between.count(b"]")
        if depth <= foreign_at:
            foreign_at, stands = 0, _STRUCTURE
        out.append(between)
        at = found.end()
        inside = found[0][1:-1].decode("utf-8", "surrogateescape")
        if _KEY_FOLLOWS.match(data, at):
            key = inside
            out.append(found[0])
            if not foreign_at and key in _FOREIGN:
                foreign_at, stands = depth, _FOREIGN[key]
            continue
        hide: Callable[[str], str] = _hidden
        if key in _PIECES and index >= 0:
            hide = pieces.setdefault(index, _Json(is_json=key == "partial_json")).take
        shown = inside if key in stands else hide(inside)
        out.append(b'"' + shown.encode("utf-8", "surrogateescape") + b'"')
    return b"".join([*out, _NUMBER.sub(_number, data[at:]) if foreign_at else data[at:]])


def _number(found: re.Match[bytes]) -> bytes:
    return "".join(_figure(found[0][:n].decode(), chr(figure)) for n, figure in enumerate(found[0])).encode()


def _hidden(text: str) -> str:
    """A text as it stands in JSON: its escapes stay escapes."""
    out: list[str] = []
    at = 0
    for found in _ESCAPE.finditer(text):
        out += map(_letter, text[at : found.start()])
        at = found.end()
        out.append(_escape(found[0]))
    return "".join([*out, *map(_letter, text[at:])])


def _letter(letter: str) -> str:
    if not letter.isalnum():
        return letter
    if letter.isascii():
        return "0" if letter.isdigit() else "X" if letter.isupper() else "x"
    return _STANDS_FOR[len(letter.encode("utf-8", "surrogatepass"))]


def _escape(escape: str) -> str:
    if not escape.startswith("\\u"):
        return escape
    return "\\u" + "".join(_digit(escape[2 : 3 + n].lower()) for n in range(DIGITS))


def _digit(seen: str) -> str:
    """The last of the digits of an escape that are `seen`, so that a letter is another one: each is known by those
    before it. What is below the letters of ASCII stands, and half a pair is half of another.
    """
    first, n = seen[0], len(seen) - 1
    if first == "d":
        second = seen[1] if n else ""
        return ("d" + ("835" if second in "89ab" else "c99" if second in "cdef" else "000"))[n]
    if first != "0":
        return "5b57"[n]
    if n and seen[1] != "0":
        return "0101"[n]
    if n < 2 or seen[2] in "012" or seen[2:] == "3":  # noqa: PLR2004  # of two that are 0
        return seen[-1]
    if seen[2] == "3":
        return "0" if seen[3].isdigit() else seen[3]
    return "0078"[n]


def _figure(before: str, figure: str) -> str:
    """One of a number's characters, behind these of it."""
    if not figure.isdecimal() or (before in ("", "-") and figure == "0"):
        return figure
    return "1" if before in ("", "-") else "0"


class _Awaits(Enum):
    """What may stand next in a JSON text."""

    VALUE = "a value"
    FIRST = "a value, or the end of its list"
    KEY = "a key"
    FIRST_KEY = "a key, or the end of its object"
    COLON = "a colon"
    NEXT = "a comma, or an end"


_VALUE, _KEY = (_Awaits.VALUE, _Awaits.FIRST), (_Awaits.KEY, _Awaits.FIRST_KEY)


class _Json:
    """The texts of one block, which come in pieces: of JSON its strings and numbers are hidden, and no keys; from where
    it is none on, all is.
    """

    def __init__(self, *, is_json: bool) -> None:
        self._is_json: bool | None = True if is_json else None
        self._inside = self._hides = False
        self._escape: str | None = None  # what has come of one: its first letter, and its digits
        self._containers: list[str] = []
        self._awaits = _Awaits.VALUE
        self._word = ""  # what has come of a number, or of true, false and null

    def take(self, piece: str) -> str:
        """A piece, as it stands in a JSON string of its own."""
        if self._is_json is None and (begin := _shown(piece).lstrip()):
            self._is_json = begin[0] in "{["
        if not self._is_json:
            return _hidden(piece)
        return "".join(map(self._part, re.findall(r"\\(?:u[0-9a-fA-F]{4}|.)|.", piece, re.DOTALL)))

    def _part(self, part: str) -> str:
        if not self._is_json:
            return _hidden(part)
        shown = _shown(part)
        if self._inside:
            return self._within(part, shown)
        if shown in _BLANK:
            self._word = ""
            return part
        if shown in _SIGNS:
            self._word = ""
            self._is_json = self._goes_on(shown)
            return part
        before, self._word = self._word, self._word + shown
        self._is_json = (before or self._awaits in _VALUE) and _is_word(self._word)
        self._awaits = _Awaits.NEXT
        if not self._is_json:
            return _hidden(part)
        return part[:-1] + _figure(before, part[-1]) if shown.isdecimal() else part

    def _goes_on(self, sign: str) -> bool:
        """Takes a sign, where it may stand."""
        awaits, inner = self._awaits, self._containers[-1:]
        match sign:
            case '"' if awaits in _VALUE or awaits in _KEY:
                self._inside, self._hides = True, awaits in _VALUE
                self._awaits = _Awaits.NEXT if awaits in _VALUE else _Awaits.COLON
            case "{" | "[" if awaits in _VALUE:
                self._containers.append(sign)
                self._awaits = _Awaits.FIRST_KEY if sign == "{" else _Awaits.FIRST
            case "}" if inner == ["{"] and awaits in (_Awaits.FIRST_KEY, _Awaits.NEXT):
                self._close()
            case "]" if inner == ["["] and awaits in (_Awaits.FIRST, _Awaits.NEXT):
                self._close()
            case "," if inner and awaits is _Awaits.NEXT:
                self._awaits = _Awaits.KEY if inner == ["{"] else _Awaits.VALUE
            case ":" if awaits is _Awaits.COLON:
                self._awaits = _Awaits.VALUE
            case _:
                return False
        return True

    def _close(self) -> None:
        self._containers.pop()
        self._awaits = _Awaits.NEXT

    def _within(self, part: str, shown: str) -> str:
        """Of a string: an escape of it is two parts and more, of which the first is the escaped backslash."""
        if self._escape is not None:
            return self._escaped(part, shown)
        if shown == "\\":
            self._escape = ""
            return part
        if shown == '"':
            self._inside = False
            return part
        return _hidden(part) if self._hides else part

    def _escaped(self, part: str, shown: str) -> str:
        escape = f"{self._escape}{shown.lower()}"
        self._escape = escape if escape[0] == "u" and len(escape) < DIGITS + 1 else None
        return _digit(escape[1:]) if len(escape) > 1 and self._hides else part


def _is_word(word: str) -> bool:
    return bool(_OF_NUMBER.fullmatch(word)) or any(one.startswith(word) for one in _WORDS)


def _shown(text: str) -> str:
    """What a text, as it stands in JSON, says."""
    try:
        value = orjson.loads(f'"{text}"')
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        return text
    return str(value)
