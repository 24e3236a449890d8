"""Bodies that cost much, by what they are made of: so many bytes of it, or as much as it may weigh."""

from __future__ import annotations

UNITS = [b"{},", b"[],", b"1,", b'"a",', b'"abcdefgh",', b'{"a":1},', b"[[[[[]]]]],", b"-1.5e-300,", b'"\\n\\"",']
DICTS = [b'"%d":0,', b'"%d":[],', b'"%d":{"a":""},']
REQUIRED = b'"model":"m","max_tokens":5,"messages":[{"role":"user","content":"x"}]'


def of_units(unit: bytes, size: int) -> bytes:
    """A prompt with a field that has so many bytes of a unit."""
    return b"{" + REQUIRED + b',"z":[' + unit * (size // len(unit)) + b"0]}"


def messages_of(message: bytes, size: int) -> bytes:
    """A prompt with so many bytes of messages; the first one is in order, the others are like this one."""
    messages = b'{"role":"user","content":"x"},' + message * (size // len(message))
    return b'{"model":"m","max_tokens":5,"messages":[' + messages[:-1] + b"]}"


def weighing(unit: bytes, weight: int) -> bytes:
    """A value of these units that weighs so much: `app.intake.raw_json.WEIGHT_MAX`."""
    each = sum(unit.count(sign) * by for sign, by in {b"{": 4, b"[": 4, b":": 3, b",": 1}.items())
    units = (unit % n if b"%d" in unit else unit for n in range(weight // each))
    inside = b"".join(units)[:-1]
    return b"{%b}" % inside if b"%d" in unit else b"[%b]" % inside
