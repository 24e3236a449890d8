"""JSON as text: taken apart and put together without being understood.

Pure. The rule: what goes through here keeps its bytes, so a number keeps its digits whatever Python would make of it,
and nothing recurses, so depth costs nothing. What comes in as `bytes` is JSON in UTF-8 already, but for `complete`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

import orjson

# Readers' parsers go no deeper (orjson); what is deeper can be passed on, and not be read.
DEPTH_MAX = 1024

Members = dict[str, bytes]

_MARK = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[\]{},:]', re.DOTALL)
_SPACE = rb"[ \t\n\r]*+"
_TOKEN = re.compile(
    _SPACE + rb'(?:(?P<text>"(?:[^"\\\x00-\x1f]++|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*+")'
    rb"|(?P<plain>(?:true|false|null|-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?)(?![\w.+-]))"
    rb"|(?P<mark>[\[\]{},:]))"
)
_CLOSER: dict[bytes | None, int] = {b"[": ord("]"), b"{": ord("}")}
# What may stand where a value was cut off.
_CUT_TEXT = re.compile(rb'"(?:[^"\\\x00-\x1f]++|\\.)*+\\?')
_CUT_VALUE = re.compile(_CUT_TEXT.pattern + rb"|[-+.0-9eE]+|t(?:ru?)?|f(?:a(?:ls?)?)?|n(?:ul?)?")
_NOTHING = re.compile(rb"")
_CUT = {
    "value": _CUT_VALUE, "item": _CUT_VALUE, "key": _CUT_TEXT, "name": _CUT_TEXT, "colon": _NOTHING, "more": _NOTHING
}  # fmt: skip
_SURROGATE = re.compile("[\ud800-\udfff]")
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


def members(data: bytes) -> Members:
    """The members of an object, each as it stands; the last of those with one name. Empty for what is no object."""
    found: Members = {}
    if data.lstrip()[:1] != b"{":
        return found
    depth = begin = 0
    name: str | None = None
    for match in _MARK.finditer(data):
        mark = match[0]
        if mark in b"{[":
            depth += 1
        elif depth == 1 and name is None and mark[:1] == b'"':
            name = _name(mark)
        elif depth == 1 and mark == b":":
            begin = match.end()
        elif mark in b"}],":
            if depth == 1 and name is not None:
                found[name] = data[begin : match.start()].strip()
                name = None
            depth -= mark != b","
    return found


def items(data: bytes) -> list[bytes]:
    """The items of an array, each as it stands. None for what is no array."""
    found: list[bytes] = []
    if data.lstrip()[:1] != b"[":
        return found
    depth, begin = 0, data.index(b"[") + 1
    for match in _MARK.finditer(data):
        mark = match[0]
        if mark in b"{[":
            depth += 1
        elif mark in b"}],":
            if depth == 1 and (item := data[begin : match.start()].strip()):
                found.append(item)
                begin = match.end()
            depth -= mark != b","
    return found


def assemble(found: Mapping[str, bytes]) -> bytes:
    """The object of these members."""
    return b"{%b}" % b",".join([text(name) + b":" + value for name, value in found.items()])


def array(items: Iterable[bytes]) -> bytes:
    return b"[%b]" % b",".join(items)


def extended(items: bytes | None, item: bytes) -> bytes:
    """An array with one item more; a new one where `items` is none."""
    inner = items[1:-1].strip() if items is not None and items[:1] == b"[" else b""
    return b"[%b,%b]" % (inner, item) if inner else b"[%b]" % item


def text(value: str) -> bytes:
    """A JSON string. Halves of surrogate pairs, which UTF-8 cannot carry, stand as escapes; two that meet are one."""
    try:
        return orjson.dumps(value)
    except TypeError:
        whole = _PAIR.sub(lambda found: found[0].encode("utf-16", "surrogatepass").decode("utf-16"), value)
        # What orjson would not take is put aside as text that needs no escape of its own.
        parts = [orjson.dumps(part)[1:-1] for part in _SURROGATE.split(whole)]
        halves = [b"\\u%04x" % ord(half) for half in _SURROGATE.findall(whole)] + [b""]
        return b'"%b"' % b"".join([part + half for part, half in zip(parts, halves, strict=True)])


def escaped(value: str) -> bytes:
    """JSON text as UTF-8; halves of surrogate pairs, which may stand in its strings alone, as escapes."""
    try:
        return value.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", value).encode()


def _name(mark: bytes) -> str:
    try:
        return str(orjson.loads(mark))
    except orjson.JSONDecodeError:  # half of a surrogate pair
        return str(json.loads(mark))


def depth(data: bytes) -> int:
    """How deep its brackets go."""
    deepest = now = 0
    for match in _MARK.finditer(data):
        if (mark := match[0]) in b"{[":
            now += 1
            deepest = max(deepest, now)
        elif mark in b"}]":
            now -= 1
    return deepest


def is_readable(data: bytes) -> bool:
    """Whether it is nested no more deeply than parsers go."""
    if data.count(b"[") + data.count(b"{") <= DEPTH_MAX:
        return True
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError:  # also half of a surrogate pair, which is no matter of depth
        return depth(data) <= DEPTH_MAX
    return True


def is_json(data: bytes) -> bool:
    """Whether it is one whole value."""
    return complete(data) == data


def complete(data: bytes) -> bytes | None:  # noqa: C901  # a table of states, in the form of one loop
    """The JSON that was cut off at the end of `data`, closed after its last whole value; `data` where it is whole.

    As the SDK does it: a text that was cut off is left out, and a name without its value; a number that may go on
    counts as it stands. None where no JSON begins like this, or no value of it is there.
    """
    closers = bytearray()
    at = safe = 0
    state = "value"  # or "item" and "key" (a value, a name, or the end at once), "name", "colon", "more", "end"
    while state != "end" and (match := _TOKEN.match(data, at)) is not None:
        at, mark = match.end(), match["mark"]
        if mark is None and state in ("key", "name") and match["text"]:
            state = "colon"
            continue
        if mark == b":" and state == "colon":
            state = "value"
            continue
        if mark == b"," and state == "more":
            state = "name" if closers[-1] == _CLOSER[b"{"] else "value"
            continue
        if mark is None and state in ("value", "item"):
            state = "more"
        elif mark in _CLOSER and state in ("value", "item"):
            closers.append(_CLOSER[mark])
            state = "item" if mark == b"[" else "key"
        elif mark is not None and closers and mark[0] == closers[-1] and state in ("more", "item", "key"):
            closers.pop()
            state = "more"
        else:
            return None
        safe = at
        if not closers:
            state = "end"
    rest = data[at:].strip(b" \t\n\r")
    if state == "end":
        return None if rest else data
    if not safe or (rest and not _CUT[state].fullmatch(rest)):
        return None
    return data[:safe] + bytes(reversed(closers))
