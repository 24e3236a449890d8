from __future__ import annotations

from tests.mutations.mutation import Mutation

ROWS = (
    Mutation(
        "a connection that was taken over is never counted out",
        "app/faces/native/push.py",
        "            self.seat.leave()",
        "            pass",
    ),
    Mutation(
        "a ticket opens every stream",
        "app/faces/base/by_ticket.py",
        "    if log_id == opens.log_id:",
        "    if True:",
    ),
    Mutation(
        "a conversation's ticket opens every stream",
        "app/faces/base/by_ticket.py",
        '    if meta is None or meta.get("conversation") != opens.log_id.encode():',
        "    if meta is None:",
    ),
    Mutation(
        "who has a ticket may cancel",
        "app/faces/base/lookup.py",
        "(reader_of(front, request) if by_ticket else front.caller(request))",
        "reader_of(front, request)",
    ),
    Mutation(
        "another owner's stream is one that is over",
        "app/faces/base/lookup.py",
        "    if read.state is State.UNKNOWN or read.owner != owner:",
        "    if read.state is State.UNKNOWN:",
    ),
    Mutation(
        "another owner's stream takes a step less than one that never was",
        "app/faces/base/lookup.py",
        "        check_readable(await front.streams.log.read(stream_id, origin(stream_id), 1), owner)\n        raise",
        "        if meta is None:\n"
        "            check_readable(await front.streams.log.read(stream_id, origin(stream_id), 1), owner)\n"
        "        raise",
    ),
    Mutation(
        "who is stopped by its head is written to all the same",
        "app/faces/native/push.py",
        "if self._state is PushState.OPENING and self._send(data) and ended:",
        "if self._send(data) and ended:",
    ),
    Mutation(
        "a body is held until its answer begins, though it is stored",
        "app/faces/base/answer.py",
        "let_go(scope)  #",
        "pass  #",
    ),
    Mutation(
        "reader: who comes back from reading in another's turn writes all the same",
        "app/faces/native/push.py",
        "            if self._turn != turn:\n                return\n            match step:",
        "            match step:",
    ),
    Mutation(
        "reader: opening and catching up again are two at once",
        "app/faces/native/push.py",
        "            if self._turn == turn:\n                self._move(Event.OPENED)",
        "            if self._tail is not None:\n                self._move(Event.OPENED)",
    ),
    Mutation(
        "reader: a drain writes to what was given back",
        "app/faces/native/push.py",
        '        elif self._state not in ENDS:\n            self._close(b"" if self._over else leave_block(retry_ms))',
        "        else:\n            self._transport.write(leave_block(retry_ms))\n            self._close()",
    ),
    Mutation(
        "reader: a ping follows the ending while the log is asked whether it is one",
        "app/faces/native/push.py",
        "and not self._place.inside and not self._over:",
        "and not self._place.inside:",
    ),
    Mutation(
        "reader: an ending that was given in parts is none",
        "app/faces/native/push.py",
        "(self._in_ending if begun else ends(data))",
        "ends(data)",
    ),
    Mutation(
        "where a polyfill says that it stands is not heard",
        "app/faces/native/routes.py",
        '\nAFTER = ("after", "lastEventId", "last_event_id")',
        '\nAFTER = ("after",)',
    ),
    Mutation(
        "reader: a ping may stand inside a frame",
        "app/faces/native/push.py",
        "        if self._state in SPEAKING and not self._place.inside and",
        "        if self._state in SPEAKING and",
    ),
    Mutation(
        "reader: a large piece is handed whole to who is live",
        "app/faces/native/push.py",
        "        if piece.large:\n            self._take_apart(piece)\n        elif",
        "        if",
    ),
    Mutation(
        "reader: who is full stays live",
        "app/faces/native/push_states.py",
        "    PushState.LIVE: _SPEAKING |",
        "    PushState.LIVE: _ALWAYS | {Event.FINISHED: PushState.GIVEN_BACK} |",
    ),
    Mutation(
        "reader: a client that closes its half is let go",
        "app/faces/native/push.py",
        "self.aside, PING)\n        return not is_secured(self._transport)",
        "self.aside, PING)\n        return False",
    ),
    Mutation(
        "who is served the plain way is told something behind the ending",
        "app/faces/native/answer.py",
        "case Aside() | Leave() if over:",
        "case Aside() | Leave() if False:",
    ),
    Mutation(
        "anybody sees what others have used",
        "app/faces/usage/routes.py",
        "if not caller.admin:",
        "if False:",
    ),
    Mutation(
        "a prompt that the screen refuses is stored",
        "app/faces/base/screened.py",
        "            raise ApiError(403, message)",
        "            return {}",
    ),
    Mutation(
        "a prompt is stored unscreened",
        "app/faces/base/accepting.py",
        "    kept = await screened(front, request, caller, prompt)",
        "    kept: dict[str, bytes] = {}",
    ),
    Mutation(
        "a reader too many is refused after it was paid for",
        "app/faces/messages/routes.py",
        'return await counted(front, caller, "messages", answer)',
        "return await answer()",
    ),
    Mutation(
        "what a caller may is not asked",
        "app/faces/base/accepting.py",
        "may.check(granted, asked)",
        "pass",
    ),
    Mutation(
        "a reader that has left is still counted",
        "app/faces/native/push.py",
        "if state in ENDS and self._left is not None:",
        "if False:",
    ),
    Mutation(
        "an answer that is there is paid for by a promise",
        "app/faces/base/saving.py",
        "replace(demand, reserve_nano=0)",
        "demand",
    ),
    Mutation(
        "another header makes no other request",
        "app/faces/base/saving.py",
        "forwarded(headers), query)",
        "{}, query)",
    ),
    Mutation(
        "what a client calls a model is said to operators",
        "app/faces/board/view.py",
        "sorted({word(model) for model in held})",
        "sorted(set(held))",
    ),
    Mutation(
        "what a dead worker holds runs",
        "app/faces/board/view.py",
        "_DEAD = frozenset({SILENT, GONE})",
        "_DEAD: frozenset[str] = frozenset()",
    ),
    Mutation(
        "after an outage all are called dead",
        "app/faces/board/view.py",
        "    if not steady:\n        return UNSURE\n",
        "",
    ),
    Mutation(
        "each who watches the board has it gathered anew",
        "app/faces/board/gathering.py",
        "        if self.watchers == 1:",
        "        if True:",
    ),
    Mutation(
        "a Redis that does not answer holds the board up",
        "app/faces/board/gathering.py",
        "timeout=PATIENCE_SECONDS",
        "timeout=None",
    ),
    Mutation(
        "the board outlasts its front's drain",
        "app/faces/board/answer.py",
        "            if draining():\n                break\n",
        "",
    ),
    Mutation(
        "a front's metrics are for everybody",
        "app/faces/board/scraped.py",
        "        await check_operator(request, who)\n",
        "",
    ),
    Mutation(
        "streams that lost their worker are no hurry",
        "app/faces/board/attention.py",
        '"now" if adrift else "soon"',
        '"soon"',
    ),
    Mutation(
        "a worker that was only not heard yet is told to be missing",
        "app/faces/board/attention.py",
        '_TAKES = ("live", "unsure")',
        '_TAKES = ("live",)',
    ),
    Mutation(
        "numbers are as old as an answer", "app/faces/board/gathering.py", "self._began_at, None", "self._now(), None"
    ),
    Mutation("a Redis that refuses is away", "app/faces/board/gathering.py", "(Kind.UNFIT, Kind.BUG)", "()"),
    Mutation(
        "a board that knows later steps reads none when the clock was set back",
        "app/faces/board/gathering.py",
        "if look.step - STEPS_KEPT <= n <= look.step}",
        "if look.step - STEPS_KEPT <= n}",
    ),
    Mutation(
        "who takes nothing holds the board's front", "app/faces/board/answer.py", ", send_timeout=TAKES_SECONDS", ""
    ),
    Mutation(
        "a part of a Message is told that was to be shown whole",
        "app/faces/native/described.py",
        '    if is_withheld(meta) and (ended or "tools" not in meta):\n',
        "    if False:\n",
    ),
    Mutation(
        "how far a log goes is told that shows nothing",
        "app/faces/native/routes.py",
        "None if is_withheld(meta) and state is not State.ENDED else",
        "None if False else",
    ),
    Mutation(
        "who waits for a whole answer is told of an error where its ending cannot be told",
        "app/faces/native/waiting.py",
        "        except (ApiError, BusyError, RedisError, *AWAY) as error:",
        "        except (ApiError, BusyError) as error:",
    ),
    Mutation(
        "a submit can be waited for as long as one likes",
        "app/faces/native/waiting.py",
        "    if not 0 < seconds <= WAIT_SECONDS_MAX:",
        "    if not 0 < seconds:",
    ),
    Mutation(
        "limits that ask for whole answers change nothing",
        "app/faces/base/accepting.py",
        "final=granted.final",
        "final=False",
    ),
    Mutation(
        "who comes back to a front that drains sees nothing until it is gone",
        "app/faces/native/routes.py",
        "read = None if after is None else",
        "read = None if True else",
    ),
)
