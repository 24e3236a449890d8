"""What becomes of the messages that others take the place of.

Pure. The rule: they are kept as versions beside what took their place, as far as a conversation has room, which is for
all of its branches together; what was put away first goes first. Nothing is kept that says nothing. To go over to
another version costs none: what comes back and what is put away are as much together as they were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.stream.conversations import turns
from app.stream.conversations.answer_steps import without_content
from app.stream.conversations.conversation import Change, Conversation
from app.stream.conversations.store import size
from app.stream.conversations.versions import Versions, is_worth_keeping

# What the events of one change carry of content; readers fetch the conversation where there is more.
EVENTS_CONTENT_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Aside:
    """What is put away, by its name ("" for nothing), which of what was put away goes, and all versions then."""

    before: str
    put: str
    gone: Sequence[str]
    versions: Versions


def aside(found: Conversation, keep: int, room: int) -> Aside:
    """Of a conversation whose first `keep` messages stay; `room` is left for all that is put away, in bytes."""
    before, put, versions = _put_away(found, found.versions, keep)
    versions, gone = versions.within(room)
    return Aside(before, "" if put in gone else put, [one for one in gone if one != put], versions)


def switched(found: Conversation, first: str, path: Sequence[turns.Message]) -> Change:
    """The change that makes the path `first` of a conversation's versions active again."""
    before = found.versions.before(first)
    ids = [message["id"] for message in found.messages]
    keep = ids.index(before) + 1 if before else 0
    taken = found.bytes - size(found.messages[keep:]) + size(path)
    # Nothing goes, also where the last answer made it more than there is room for: that is seen to by who says more.
    _, put, versions = _put_away(found, found.versions.take(first), keep)
    events = [turns.removed(before or None), *told(versions.marked(path, before))]
    fields: dict[str, str | int] = {"bytes": taken, "versions": versions.written()}
    return Change(events, keep, path, fields, put, [first])


def _put_away(found: Conversation, versions: Versions, keep: int) -> tuple[str, str, Versions]:
    """On what it hangs, what is put away by its name ("" for nothing), and the versions with it."""
    before, dropped = found.messages[keep - 1]["id"] if keep else "", found.messages[keep:]
    if dropped and is_worth_keeping(dropped):
        return before, dropped[0]["id"], versions.put(before, dropped[0]["id"], size(dropped))
    return before, "", versions.forget(*(message["id"] for message in dropped[:1]))


def told(messages: Sequence[turns.Message]) -> list[turns.Event]:
    """What says that these were added, with as much of their content as the events of one change carry."""
    events, room = [], EVENTS_CONTENT_BYTES
    for message in messages:
        room -= size([message])
        events.append(turns.added(message if room >= 0 else without_content(message)))
    return events
