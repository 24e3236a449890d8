"""Takes each mechanism away and looks whether the suite goes red: a check that cannot fail is no check.

    make mutations ARGS="fence --write"

Works on a copy of the tree; prints the table of tests/README.md, and with `--write` keeps it there row by row. What
turned red by that table is tried first, so that a row takes as long as its one test; only where that stays green, all
others are. A mutation that survives is exit code 1.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIMIT_SECONDS = 600
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", "__pycache__", "node_modules", ".keepstream", ".*_cache", ".hypothesis"
)
# What turns red first is enough; the quick tests come before the stories.
TESTS = (
    "tests/app/http/connection/test_protocol.py",
    "tests/app/http/test_server.py",
    "tests/app/http/test_origins.py",
    "tests/app/test_main.py",
    "tests/app/openapi/test_openapi.py",
    "tests/app/intake/test_raw_json.py",
    "tests/app/test_environment.py",
    "tests/app/test_upstream.py",
    "tests/app/http/test_body.py",
    "tests/worker/upstream/test_request.py",
    "tests/worker/life/test_prompt_bytes.py",
    "tests/worker/upstream/test_reading.py",
    "tests/worker/life/test_silence.py",
    "tests/worker/upstream/test_causes.py",
    "tests/app/stream",
    "tests/worker/log/test_full.py",
    "tests/worker/log/test_demoted.py",
    "tests/stories/test_demoted.py",
    "tests/worker/log/test_writer.py",
    "tests/worker/life/test_meeting.py",
    "tests/app/intake/test_streams.py",
    "tests/app/faces/conversations/test_history.py",
    "tests/app/faces/native/test_routes.py",
    "tests/app/faces/chat/test_routes.py",
    "tests/app/http/test_bulk.py",
    "tests/app/http/test_large.py",
    "tests/app/http/connection/test_poke.py",
    "tests/app/intake/test_told.py",
    "tests/app/intake/test_done.py",
    "tests/app/intake/test_submit.py",
    "tests/worker/upstream/test_message_exactly.py",
    "tests/worker/life/test_closing.py",
    "tests/worker/log/test_commit.py",
    "tests/worker/claims/test_pool.py",
    "tests/app/fanout/test_splice.py",
    "tests/app/fanout/test_tail.py",
    "tests/app/fanout/test_hub.py",
    "tests/app/http/test_own_faults.py",
    "tests/app/fanout/test_starting_over.py",
    "tests/app/stream/concurrency/test_threads.py",
    "tests/app/fanout/test_reads.py",
    "tests/app/http/test_ready.py",
    "tests/app/fanout/test_pace.py",
    "tests/stories/test_outages.py",
    "tests/app/fanout/test_parts.py",
    "tests/app/faces/native/test_push_states.py",
    "tests/app/faces/native/test_push_machine.py",
    "tests/app/http/connection/test_takeover.py",
    "tests/worker/claims/test_abandoned.py",
    "tests/worker/upstream/test_gate_law.py",
    "tests/worker/upstream/test_gate.py",
    "tests/worker/claims/test_guard.py",
    "tests/stories/test_redis.py",
    "tests/stories/test_resume.py",
    "tests/stories/test_takeover.py",
    "tests/app/intake/test_owed.py",
)


@dataclass(frozen=True)
class Mutation:
    """One mechanism, and the text that takes it away."""

    name: str
    file: str
    old: str
    new: str


MUTATIONS = (
    Mutation(
        "what stands around a body is not counted",
        "app/http/connection/protocol.py",
        "        if self._around > bounds.AROUND_BYTES:",
        "        if False:",
    ),
    Mutation(
        "trailers and heads that come whole are not counted",
        "app/http/connection/protocol.py",
        "        if self._head > bounds.AROUND_BYTES:",
        "        if False:",
    ),
    Mutation(
        "a stray byte after an answer ends its time",
        "app/http/connection/protocol.py",
        "            self._fresh = True  # a stray line end, say",
        "            self._deadline.set(None)",
    ),
    Mutation(
        "a body's whole time counts, not its silence",
        "app/http/connection/protocol.py",
        "(phase is Phase.BODY and self._fed)",
        "False",
    ),
    Mutation(
        "the rest of a body that nobody reads may take for ever",
        "app/http/connection/bounds.py",
        "            return REST_SECONDS",
        "            return None",
    ),
    Mutation(
        "an offered upgrade ends the request",
        "app/http/connection/protocol.py",
        "                self.parser.feed_data(head)",
        "                return",
    ),
    Mutation(
        "who has closed its side is let go",
        "app/http/connection/protocol.py",
        "        self.cycle.keep_alive = False\n",
        "        return False\n",
    ),
    Mutation(
        "a refusal does not wait for its turn",
        "app/http/connection/protocol.py",
        "        if not self._answering():\n            self._say_last()",
        "        self._say_last()",
    ),
    Mutation(
        "pages of foreign origins may do anything",
        "app/http/envelope.py",
        'if origins.foreign_page(scope["method"], asked, self._origins, door.own_hosts):',
        "if False:",
    ),
    Mutation(
        "any name is ours",
        "app/http/envelope.py",
        "if door.hosts is not None and scope",
        "if False and scope",
    ),
    Mutation(
        "who comes first to a stream that waits already is not told",
        "app/fanout/hub.py",
        "elif tail.state is State.RUNNING and (held",
        "elif False and (held",
    ),
    Mutation(
        "a wait that is over is told on",
        "worker/life/waiting.py",
        "            self._telling.over(self._claim.stream_id)",
        "            pass",
    ),
    Mutation(
        "a path's methods are those of its first route",
        "app/http/errors.py",
        "    if isinstance(error, HTTPException) and error.status_code == METHOD_NOT_ALLOWED:\n",
        "    if False:\n",
    ),
    Mutation(
        "a worker says nothing of a misspelt setting",
        "worker/main.py",
        "for name in unknown(os.environ):",
        "for name in ():",
    ),
    Mutation(
        "a front's own host is judged by what it is called",
        "app/main.py",
        "door(front.settings, at or front.settings.host)",
        "door(front.settings, front.settings.host)",
    ),
    Mutation(
        "a root path is taken from paths that are ours as they are",
        "app/http/envelope.py",
        ' and not self._is_ours(scope["path"])',
        "",
    ),
    Mutation(
        "a body without a type is JSON",
        "app/http/body.py",
        'headers.get("content-type", "").partition',
        'headers.get("content-type", "application/json").partition',
    ),
    Mutation(
        "an object may have any number of fields",
        "app/intake/raw_json.py",
        "        if self.fields > FIELDS_MAX:",
        "        if False:",
    ),
    Mutation(
        "service links are settings",
        "app/environment.py",
        "    if not _SERVICE_LINK.fullmatch(name):",
        "    if True:",
    ),
    Mutation(
        "fence off: whoever appends may",
        "app/stream/scripts/append.lua",
        "if fence < held or (fence == held and facts[2] ~= ARGV[3]) then",
        "if false then",
    ),
    Mutation(
        "the same fence under another name counts as ours",
        "app/stream/scripts/append.lua",
        "if fence < held or (fence == held and facts[2] ~= ARGV[3]) then",
        "if fence < held then",
    ),
    Mutation(
        "idempotent append off: a repeated append is not recognised",
        "app/stream/scripts/append.lua",
        "if length > at and length <= at + #frames then",
        "if false then",
    ),
    Mutation(
        "an append may follow the ending",
        "app/stream/scripts/append.lua",
        "if facts[3] == 'ended' then",
        "if false then",
    ),
    Mutation(
        "id proof off: any offset is honoured",
        "app/stream/scripts/read.lua",
        "if bytes:sub(1, #ARGV[2]) == ARGV[2] then",
        "if true then",
    ),
    Mutation(
        "chain off: a message that starts at the right byte is believed",
        "app/fanout/splice.py",
        "        position = follow(data, *self.end)\n        if position is None:\n            return None\n",
        "        position = (self.end.offset + len(data), int(data[-10:-2], 16))\n",
    ),
    Mutation(
        "repair off: a gap is left open",
        "app/fanout/tail.py",
        "        self._rounds.ask()\n",
        "        if not self.owner:\n            self._rounds.ask()\n",
    ),
    Mutation(
        "slow beat off: only the channel tells",
        "app/fanout/hub.py",
        "        tails = [tail for stream_id, tail in self._tails.items() if stream_id not in self._opening]",
        "        tails = list[Tail]()",
    ),
    Mutation(
        "a tail that was lost is not healed",
        "worker/log/writer.py",
        "case Status.SHORT if reply.length >= self._kept_from:",
        "case Status.SHORT if False:",
    ),
    Mutation(
        "what waits to be sent takes the place of what is kept",
        "worker/log/writer.py",
        "while self._kept and self._sent - self._kept_from - len(self._kept[0]) >= KEPT_BYTES:",
        "while self._kept and self._offset - self._kept_from - len(self._kept[0]) >= KEPT_BYTES:",
    ),
    Mutation(
        "a whole attempt is kept in memory",
        "worker/log/writer.py",
        "while self._kept and self._sent - self._kept_from - len(self._kept[0]) >= KEPT_BYTES:",
        "while self._kept and self._sent - self._kept_from - len(self._kept[0]) >= 2**60:",
    ),
    Mutation(
        "an ending has to stay below the limit",
        "worker/log/writer.py",
        "        if offset > frames.MAX_OFFSET:\n",
        "        if offset > self._limit:\n",
    ),
    Mutation(
        "one call that cannot be packed stops the writing of all",
        "worker/log/commit.py",
        "                parts.append(_packed(writer, call))\n            except Exception as error:",
        "                parts.append(_packed(writer, call))\n            except ZeroDivisionError as error:",
    ),
    Mutation(
        "a connection that its head has filled is taken over as if it had room",
        "app/http/connection/takeover.py",
        "    if old.flow.write_paused:",
        "    if False:",
    ),
    Mutation(
        "who is stopped by its head is written to all the same",
        "app/faces/native/push.py",
        "if self._state is State.OPENING and self._send(data) and ended:",
        "if self._send(data) and ended:",
    ),
    Mutation(
        "what can never be done keeps all that is owed waiting",
        "app/intake/owed.py",
        "self._debts.extend(left)",
        "self._debts.extendleft(reversed(left))",
    ),
    Mutation(
        "what goes wrong after a stream was parked writes its ending",
        "worker/life/run.py",
        "                    self.leave()  # whatever else happens here, its ending is not ours to write\n",
        "",
    ),
    Mutation(
        "a job that starts late runs a newer claim's stream",
        "worker/claims/pool.py",
        "        await _lived(_hold.get().run)\n",
        "        await _lived(next(iter(self.holds.values())).run)\n",
    ),
    Mutation(
        "who cannot write keeps his leases",
        "worker/claims/leases.py",
        "        if self._given_up:\n            logger",
        "        if False:\n            logger",
    ),
    Mutation(
        "a refused ending is tried again without a pause and for ever",
        "worker/life/closing.py",
        "        if self._refusals > REFUSALS_MAX:\n",
        "        if False:\n",
    ),
    Mutation(
        "an ending that the log takes no more is tried with its frame again",
        "worker/life/closing.py",
        "self._bare = self._bare or status is Status.REFUSED",
        "self._bare = False",
    ),
    Mutation(
        "blocks stand as they came, not by their index",
        "worker/upstream/message.py",
        "blocks = sorted(self._blocks, key=lambda block: block.index)",
        "blocks = self._blocks",
    ),
    Mutation(
        "a tool's input is told in Python's numbers",
        "worker/upstream/message.py",
        "        orjson.loads(data)\n    except orjson",
        "        return orjson.dumps(orjson.loads(data))\n    except orjson",
    ),
    Mutation(
        "what people saw of a failed stream is dropped",
        "worker/life/ending.py",
        "if (complete or content) and (whole",
        "if complete and (whole",
    ),
    Mutation(
        "who takes over and ends a stream does not look what stands",
        "worker/life/closing.py",
        "        if account.message is None and account.content:",
        "        if False:",
    ),
    Mutation(
        "a worker takes streams however much it holds",
        "worker/claims/pool.py",
        "return broken or self.bytes_in_flight >= settings.worker_bytes",
        "return broken",
    ),
    Mutation(
        "a later mark gets into the append under way",
        "worker/log/writer.py",
        "        self._fields = {}\n        older = ",
        "        self._fields = {} if self._fields else self._fields\n        older = ",
    ),
    Mutation(
        "done is not fenced",
        "app/stream/scripts/done.lua",
        "if not claim or claim:match('^%d+|[^|]+|(.*)$') ~= ARGV[2] .. '|' .. ARGV[3] then",
        "if not claim then",
    ),
    Mutation(
        "renew is not fenced",
        "app/stream/scripts/renew.lua",
        "if claim and claim:match('^%d+|[^|]+|(.*)$') == ARGV[i + 1] .. '|' .. ARGV[i + 2] then",
        "if claim then",
    ),
    Mutation(
        "a claim whose reply was lost takes other jobs",
        "app/stream/scripts/claim.lua",
        "if last[1] == ARGV[3] then",
        "if false then",
    ),
    Mutation(
        "one connection's chunks are worked on until there are none",
        "app/http/connection/protocol.py",
        "if self._chunks > bounds.CHUNKS_A_TURN:",
        "if False:",
    ),
    Mutation(
        "a body is held until its answer begins, though it is stored",
        "app/faces/messages/answer.py",
        "let_go(scope)  #",
        "pass  #",
    ),
    Mutation(
        "a body in small parts is kept in them",
        "app/http/body.py",
        "            body += part",
        '            body += part\n            request.scope.setdefault("parts", []).append(part)',
    ),
    Mutation(
        "the upstream's answer to a short call may be of any size",
        "app/upstream.py",
        "if len(told) > REPLY_BYTES:",
        "if False:",
    ),
    Mutation(
        "a title is made of all words of a text",
        "app/faces/conversations/history.py",
        "TITLE_LOOKED_AT = 1000",
        "TITLE_LOOKED_AT = 10**9",
    ),
    Mutation(
        "what is built of a body may be made of anything",
        "app/intake/raw_json.py",
        "> WEIGHT_MAX and _is_heavy(text):",
        "< 0:",
    ),
    Mutation(
        "signs in a text weigh as those around it",
        "app/intake/raw_json.py",
        "> WEIGHT_MAX and _is_heavy(text):",
        "> WEIGHT_MAX:",
    ),
    Mutation(
        "a worker walks the prompt before it sends it",
        "worker/upstream/request.py",
        'return _OPENING.match(body) is not None and body.rstrip().endswith(b"}")',
        'return len(re.sub(rb"[{},]", lambda each: each[0], body)) > 1 and body.strip()[-1:] == b"}"',
    ),
    Mutation(
        "what the client says of `stream` is left beside ours",
        "worker/upstream/request.py",
        'if members.pop("stream", None) is not None:',
        "if False:",
    ),
    Mutation(
        "leases end by the time in which they could be renewed",
        "app/stream/scripts/lease_clock.lua",
        "math.min(gap, math.max(lease / 6, 50))",
        "gap",
    ),
    Mutation(
        "after an outage nothing is taken until all could come back",
        "app/stream/scripts/lease_clock.lua",
        "    if gap > math.max(lease / 3, LEASE_GAP_MS) then",
        "    if false then",
    ),
    Mutation(
        "a refused key of ours is told to a user as if it were his",
        "worker/upstream/failure.py",
        "    if failure.status not in _KEY_STATUSES and failure.type not in _KEY_TYPES:",
        "    if failure:",
    ),
    Mutation(
        "causes are not told apart: every way that fails is a lost connection",
        "worker/upstream/causes.py",
        "_sentence(chain, host) or LOST.message",
        "LOST.message",
    ),
    Mutation(
        "a web page is an answer that was cut",
        "worker/life/call.py",
        "if not answer.is_stream and not reading.begun:",
        "if False:",
    ),
    Mutation(
        "a failed stream's line in the log has no reason",
        "worker/life/closing.py",
        "account.calls, end.why)",
        'account.calls, "")',
    ),
    Mutation(
        "pings are silence: an upstream that thinks is called dead",
        "worker/upstream/reading.py",
        "        self.stirred = self._clock()\n        complete",
        "        complete",
    ),
    Mutation(
        "a worker that stood still calls it the upstream's silence",
        "worker/life/call.py",
        "if now - self._due > silence.LATE_SECONDS:",
        "if False:",
    ),
    Mutation(
        "nobody looks at the line that a stream has joined alone",
        "worker/life/run.py",
        "                    self._tools.gate.parked(model)\n",
        "",
    ),
    Mutation(
        "pings for ever are life",
        "worker/life/silence.py",
        "if now >= heard + limits.silent:",
        "if False:",
    ),
    Mutation(
        "nobody is told that the upstream thinks",
        "worker/life/call.py",
        "if found.told is not None:",
        "if False:",
    ),
    Mutation(
        "a third call is paid for an upstream that was silent twice",
        "worker/life/decide.py",
        "or (failure == SILENT and progress.silences >= SILENCES_MAX)",
        "",
    ),
    Mutation(
        "an upstream may name its events as ours are",
        "worker/upstream/reading.py",
        "if name.decode().strip().startswith(OURS):",
        "if name.decode() == OURS:",
    ),
    Mutation(
        "a submit that was not answered is not withdrawn",
        "app/intake/submit.py",
        "await self._withdraw(now=not isinstance(error, AWAY))",
        "pass",
    ),
    Mutation(
        "a submit that was not answered is not asked again",
        "app/intake/submit.py",
        "if loop.time() + pause > until:",
        "if True:",
    ),
    Mutation(
        "who asks again forgets that another was told",
        "app/stream/scripts/keep.lua",
        "shared and 'shared' or ARGV[2]",
        "ARGV[2]",
    ),
    Mutation(
        "a retry is given the stream that is being withdrawn",
        "app/stream/scripts/withdraw.lua",
        "'cancel', '1', 'withdrawn', ARGV[3])",
        "'cancel', '1')",
    ),
    Mutation(
        "what the line refused lives on with its front",
        "app/stream/scripts/open.lua",
        "redis.call('PEXPIRE', KEYS[1], ARGV[1])",
        "redis.call('PEXPIRE', KEYS[1], ARGV[1] * 60)",
    ),
    Mutation(
        "of two cancels at once one leaves its stream in the line",
        "app/intake/streams.py",
        "claim(holder, 1, free=1",
        "claim(self._front, int(holder.rpartition('.')[2]), free=1",
    ),
    Mutation(
        "a cancel that stands is answered with an error",
        "app/intake/streams.py",
        "            return state\n        return State(meta",
        "            raise\n        return State(meta",
    ),
    Mutation(
        "the stream of a deleted conversation runs on where the reply was lost",
        "app/faces/conversations/keeping.py",
        "        finally:\n            await self._or_later(partial(self._clear, found))",
        "        finally:\n            pass",
    ),
    Mutation(
        "what was made for nobody stays",
        "app/faces/base/kept.py",
        "            front.conversing.forget(made.owner, made.id)\n",
        "",
    ),
    Mutation(
        "a withdrawal leaves no mark",
        "app/stream/scripts/withdraw.lua",
        "redis.call('HSET', KEYS[1], 'state', 'ended', 'withdrawn', ARGV[3], 'outcome', 'cancelled', 'ended_at', now)",
        "redis.call('DEL', KEYS[1])",
    ),
    Mutation(
        "a withdrawal takes what another request was told of",
        "app/stream/scripts/withdraw.lua",
        "if facts[3] and facts[3] ~= ARGV[1] then",
        "if false then",
    ),
    Mutation(
        "a confirmation is taken for granted",
        "app/intake/submit.py",
        "if not await self._keep(self._id):",
        "if await self._keep(self._id) is None:",
    ),
    Mutation(
        "a chat is taken whether or not its stream was",
        "app/stream/scripts/chat_take.lua",
        "if KEYS[3] ~= KEYS[1] and redis.call('EXISTS', KEYS[3]) == 0 then",
        "if false then",
    ),
    Mutation(
        "an answer's time ends before its conversation has it",
        "app/stream/scripts/append.lua",
        "    life = ARGV[7]\n",
        "",
    ),
    Mutation(
        "an answer that its conversation has is kept for a day more",
        "app/stream/scripts/release.lua",
        "if not at then",
        "if true then",
    ),
    Mutation(
        "a long line is counted for each that it takes",
        "app/stream/scripts/submit.lua",
        "if counted then",
        "if false then",
    ),
    Mutation(
        "waiting bytes are never counted anew",
        "app/stream/scripts/submit.lua",
        "if not exact and (not bytes or (bytes + size > most and not paced)) then",
        "if not bytes then",
    ),
    Mutation(
        "waiting bytes forget who comes back to the line",
        "app/stream/scripts/give_back.lua",
        "  redis.call('DEL', KEYS[4]) -- counted anew, see submit.lua\n",
        "",
    ),
    Mutation(
        "half an answer passes for a whole one upstream",
        "app/faces/conversations/history.py",
        '    if message.get("partial"):  # what else',
        "    if False:  # what else",
    ),
    Mutation(
        "a conversation forgets what people saw of a failed answer",
        "app/stream/conversations/turns.py",
        "    if is_partial and not any(map(says_something, content)):",
        "    if is_partial:",
    ),
    Mutation(
        "an ended stream without a log is an empty one for ever",
        "app/stream/scripts/read.lua",
        "if facts[1] == 'ended' and length == 0 then",
        "if false then",
    ),
    Mutation(
        "a receiver's fault is everybody's on its channel",
        "app/stream/channel.py",
        "    except Exception as error:  # noqa: BLE001  # whatever it is, the other streams' readers must not notice",
        "    except SystemExit as error:",
    ),
    Mutation(
        "a receiver's fault in a message is everybody's on its channel",
        "app/stream/channel.py",
        "except Exception as error:  # noqa: BLE001  # as there",
        "except SystemExit as error:",
    ),
    Mutation(
        "what stood before an error is not settled",
        "app/stream/channel.py",
        "        finally:  # whatever stood between them: who was given a message is told that it is a good moment\n",
        "        except KeyError:\n            raise\n        else:\n",
    ),
    Mutation(
        "a channel that is refused asks again at once",
        "app/stream/channel.py",
        "            await pause.wait()\n",
        "",
    ),
    Mutation(
        "one reader's failure keeps a piece from the next",
        "app/fanout/audience.py",
        "                reader.feed(piece)\n            except Exception as error:",
        "                reader.feed(piece)\n            except SystemExit as error:",
    ),
    Mutation(
        "what came before a repair is handed on after it",
        "app/fanout/tail.py",
        "            self._fresh.append(added)\n            self.settle()\n",
        "            self._hand(added)\n",
    ),
    Mutation(
        "who reads up to the end is fed it once more",
        "app/fanout/tail.py",
        "        self.settle()  # what stands before the end was read by whoever stands at it\n",
        "",
    ),
    Mutation(
        "odd data of a reset makes a tail fail",
        "app/stream/readback/restarts.py",
        "    except ValueError:\n",
        "    except KeyError:\n",
    ),
    Mutation(
        "an event that is called so ends the readers",
        "app/fanout/tail.py",
        "        if self.told_all:\n            self.repair()",
        "        if self.told_all:\n            self._end()",
    ),
    Mutation(
        "a reader that knows more than the tail asks again at once",
        "app/fanout/reader.py",
        "                await tail.changed(seen)\n",
        "                pass\n",
    ),
    Mutation(
        "each look at a log wakes all who look",
        "app/fanout/tail.py",
        "        if self._unplaced:  # what could",
        "        if True:  # what could",
    ),
    Mutation(
        "a log that starts over is waited for as one that was lost",
        "app/fanout/tail.py",
        "        return None if known else restart",
        "        return None",
    ),
    Mutation(
        "the beat takes any log of the same length for the same",
        "app/fanout/tail.py",
        '        if last != (end.proof if end.offset else b""):',
        "        if last[:13] != end.proof[: 13 if end.offset else 0]:",
    ),
    Mutation(
        "one stream's odd key stops the beat of all",
        "app/fanout/hub.py",
        "pipe.execute(raise_on_error=False)",
        "pipe.execute()",
    ),
    Mutation(
        "who joins a front that drains is not told",
        "app/fanout/hub.py",
        "        if self.draining:  # the drain tells those that it found",
        "        if False:",
    ),
    Mutation(
        "who comes back to what was lost joins what is gone",
        "app/fanout/hub.py",
        "if tail is None or tail.gone:",
        "if tail is None:",
    ),
    Mutation(
        "a tail that is left leaves its readers waiting",
        "app/stream/concurrency/changing.py",
        "while self.version == since and not self.closed:",
        "while self.version == since:",
    ),
    Mutation(
        "readers take every connection there is",
        "app/fanout/reads.py",
        "        self._readers = asyncio.Semaphore(READS_AT_ONCE)",
        "        self._readers = asyncio.Semaphore(1000)",
    ),
    Mutation(
        "each reader of a herd reads for itself",
        "app/fanout/reads.py",
        "        flight = self._flights.get(key)",
        "        flight = None",
    ),
    Mutation(
        "pieces of two histories make one frame",
        "app/fanout/reads.py",
        "        if follow(data, *start) is None:",
        "        if not data:",
    ),
    Mutation(
        "a tail takes a read that began before it listened",
        "app/fanout/reads.py",
        "        return await self._whole(self._tails, stream_id, after, READ_BYTES)",
        "        return await self.read(stream_id, after, READ_BYTES)",
    ),
    Mutation(
        "a herd works without turns",
        "app/fanout/pace.py",
        "                asyncio.get_running_loop().call_soon(self._next)\n                return\n",
        "                continue\n",
    ),
    Mutation(
        "a task that has fallen stays where it lies",
        "app/stream/concurrency/tasks.py",
        "            self._running = False\n            self.falls += 1\n",
        "            self._running = False\n            self.falls += 1\n            return\n",
    ),
    Mutation(
        "a front whose task has fallen says that it is ready",
        "app/http/ready.py",
        "            if not work.alive:",
        "            if False:",
    ),
    Mutation(
        "a probe waits for as long as Redis is silent",
        "app/http/ready.py",
        "timeout=READY_SECONDS)",
        "timeout=None)",
    ),
    Mutation(
        "what is said beside a log is taken for a piece of it",
        "app/fanout/tail.py",
        "        elif asides.is_aside(payload):",
        "        elif False:",
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
        "a front that asks nobody listens to the world",
        "app/access/closed.py",
        'if owners.ask_nobody and not is_loopback(address) and settings.auth != "none":',
        "if False:",
    ),
    Mutation(
        "what a client calls its request may break a line of the log",
        "app/intake/prompt.py",
        "return given if _CLIENT_REQUEST_ID.fullmatch(given) else None",
        "return given or None",
    ),
    Mutation(
        "where a polyfill says that it stands is not heard",
        "app/faces/native/routes.py",
        '_AFTER = ("after", "lastEventId", "last_event_id")',
        '_AFTER = ("after",)',
    ),
    Mutation(
        "all users of a machine may read what dev keeps",
        "app/dev/plan.py",
        "        directory.chmod(0o700)",
        "        directory.chmod(0o755)",
    ),
    Mutation(
        "what is deleted stays in the file of dev",
        "app/dev/forget.py",
        "                    await redis.bgrewriteaof()",
        "                    await redis.ping()",
    ),
    Mutation(
        "an Enter that belongs to a composition sends",
        "app/web/chat/keys.js",
        'return event.isComposing || event.keyCode === 229 ? "" : event.key;',
        "return event.key;",
    ),
    Mutation(
        "the edge does not wait for a front that restarts",
        "deploy/Caddyfile",
        "\t\tlb_try_duration 30s\n",
        "",
    ),
    Mutation(
        "reader: a ping may stand inside a frame",
        "app/faces/native/push.py",
        "        if self._state in SPEAKING and not self._place.inside and",
        "        if self._state in SPEAKING and",
    ),
    Mutation(
        "reader: a large frame's parts are not proven together",
        "app/fanout/parts.py",
        "            raise AnotherHistoryError\n",
        "            pass\n",
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
        "    State.LIVE: _SPEAKING |",
        "    State.LIVE: _ALWAYS | {Event.FINISHED: State.GIVEN_BACK} |",
    ),
    Mutation(
        "takeover: a connection is taken while its request's body is still to come",
        "app/http/connection/takeover.py",
        "cycle.disconnected or cycle.more_body or cycle",
        "cycle.disconnected or cycle",
    ),
    Mutation(
        "takeover: a connection is taken although the next request has begun",
        "app/http/connection/takeover.py",
        "    return not protocol.pipeline and protocol.scope is cycle.scope",
        "    return not protocol.pipeline",
    ),
    Mutation(
        "reader: a client that closes its half is let go",
        "app/faces/native/push.py",
        "self.aside, PING)\n        return True",
        "self.aside, PING)\n        return False",
    ),
    Mutation(
        "what a proxy heard counts as heard by its client",
        "app/faces/base/heard.py",
        "_is_passed_on(scope) or ",
        "",
    ),
    Mutation(
        "a call of the API's own that was cut off is sent for ever",
        "app/faces/conversations/history.py",
        "if not _calls(block) or",
        'if block.get("type") != "tool_use" or',
    ),
    Mutation(
        "a result is looked for in the next message alone",
        "app/faces/conversations/history.py",
        "            replies = blocks + replies",
        "            replies = blocks",
    ),
    Mutation(
        "what was written to a client counts as heard",
        "app/faces/chat/answer.py",
        "                when_heard(scope, self._note_shown)",
        "                self._note_shown()",
    ),
    Mutation(
        "what a refusal says of the rate is not learnt",
        "app/stream/scripts/gate_rate.lua",
        "gate.rate = math.max(high * RATE_FACTOR, gate.rate * least)",
        "gate.rate = gate.rate * RATE_FACTOR",
    ),
    Mutation(
        "what an upstream has saved up is taken for its rate",
        "app/stream/scripts/gate_rate.lua",
        "return math.max(1, gate.first - rate * gate.first_ms / 1000)",
        "return 1",
    ),
    Mutation(
        "what comes back in a silence doubles with every question",
        "app/stream/scripts/gate_law.lua",
        "returns = gate.silences > 0 and gate.before / GATE_RETURN_MS or 0",
        "returns = 2 * math.max(GATE_RETURN, gate.given) / 1000",
    ),
    Mutation(
        "a clock that is set back holds a model until it has caught up",
        "app/stream/scripts/gate_law.lua",
        "  if back > 0 then",
        "  if false then",
    ),
    Mutation(
        "a volley of refusals counts as many",
        "app/stream/scripts/gate_law.lua",
        "if told.era >= gate.era or gate.era == 1 then",
        "if true then",
    ),
    Mutation(
        "a call that was refused counts as an attempt",
        "worker/life/work.py",
        """        if isinstance(step, Refused):
            self._take_back()""",
        """        if isinstance(step, Refused):
            pass""",
    ),
    Mutation(
        "who waits at the gate keeps its slot",
        "worker/upstream/gate.py",
        "if wait > PARK_SECONDS and waiter.patient:",
        "if False:",
    ),
    Mutation(
        "calls of a worker that died in them make a limit smaller for ever",
        "app/stream/scripts/gate.lua",
        "if now - said[2] > GATE_SAID_MS then",
        "if false then",
    ),
    Mutation(
        "calls that are under way are not taken off what is left",
        "app/stream/scripts/gate_law.lua",
        "known.left = left - known.cost * told.open",
        "known.left = left",
    ),
    Mutation(
        "who is cancelled as the gate answers ends the gate's questions for all",
        "worker/upstream/gate.py",
        "deque([waiter for waiter in self.waiters if not waiter.answer.done()])",
        "deque(self.waiters)",
    ),
    Mutation(
        "what came of calls is gathered at the gate for ever",
        "worker/upstream/gate.py",
        "while self._heard and self._heard[0][0] < now - FRESH_SECONDS:",
        "while False:",
    ),
    Mutation(
        "a line that nobody here has joined is not looked at",
        "worker/claims/pool.py",
        "                    await self._tools.gate.look()\n",
        "",
    ),
    Mutation(
        "who is cancelled on the way to the line waits all the same",
        "worker/life/run.py",
        "            await self._tools.queue.hurry(stream_id)",
        "            pass",
    ),
    Mutation(
        "who waits at the gate is claimed all the same",
        "app/stream/scripts/claim.lua",
        "'-inf', '(' .. ARGV[8], 'BYSCORE'",
        "'-inf', '+inf', 'BYSCORE'",
    ),
    Mutation(
        "a refusal is judged by how its text begins: a pipeline's is none of those we know",
        "app/stream/redis/refusals.py",
        "if annotated := _PIPELINE.fullmatch(text):",
        "if False and (annotated := _PIPELINE.fullmatch(text)):",
    ),
    Mutation(
        "a connection stays with a primary that became a replica",
        "app/stream/redis/links.py",
        "            if refusal.kind is Kind.ELSEWHERE:",
        "            if False:",
    ),
    Mutation(
        "nobody asks for a server's role: who only reads stays with what is old",
        "app/stream/redis/links.py",
        '        if role != b"master":',
        "        if False:",
    ),
    Mutation(
        "what a closed connection raises is not known as its end",
        "app/stream/redis/links.py",
        'if "closed" not in str(error):',
        "if error:",
    ),
    Mutation(
        "who failed once, and has nothing to write, is broken for ever",
        "worker/log/commit.py",
        "            if not batch:  # and nobody is kept from writing\n                self._broken_since = None",
        "            if not batch:",
    ),
    Mutation(
        "the channel stays behind at the old primary",
        "app/stream/redis/accord.py",
        "            self._channel.reconnect()",
        "            pass",
    ),
    Mutation(
        "right after a failover, whose subscription is elsewhere has left",
        "worker/claims/abandoned.py",
        "not heard or shaken() or now",
        "not heard or now",
    ),
    Mutation(
        "who is not heard himself judges who reads",
        "worker/claims/abandoned.py",
        "not heard or shaken() or now",
        "shaken() or now",
    ),
    Mutation(
        "a time in which nobody could look counts as an absence",
        "worker/claims/abandoned.py",
        " or now - self._looked_at > GAP_SECONDS:",
        ":",
    ),
    Mutation(
        "permissions are not tried at the start",
        "app/stream/redis/fitness.py",
        "        await _try_permissions(redis)",
        "        pass",
    ),
    Mutation(
        "a certificate of any host will do",
        "app/stream/redis/address.py",
        'checks = options.get("ssl_cert_reqs", "required") != "none"',
        "checks = False",
    ),
    Mutation(
        "nothing runs on a full Redis: no cancel, no ending, no drain",
        "app/stream/scripts/__init__.py",
        'return "#!lua flags=allow-oom\\n" + source(*names)',
        'return "-- full\\n" + source(*names)',
    ),
    Mutation(
        "a call is made on a full Redis: it has nowhere to put its answer",
        "app/stream/log.py",
        'self._begin_a_call = redis.register_script(source("begin"))',
        'self._begin_a_call = redis.register_script(source_on_full("begin"))',
    ),
    Mutation(
        "who catches up takes no turn",
        "app/fanout/reader.py",
        "    if isinstance(step, bytes) and len(step) > MUCH_BYTES:",
        "    if False:",
    ),
    Mutation(
        "one look at a channel that was just replaced ends what is read",
        "app/intake/streams.py",
        "            elif looks > 1:",
        "            elif False:",
    ),
    Mutation(
        "a worker that stands still uses up its streams' attempts",
        "worker/life/work.py",
        "decide.spared(self._found.progress, self._limits) if claim.stalled else self._found.progress",
        "self._found.progress",
    ),
    Mutation(
        "a claim that is on its way when a worker leaves is not told",
        "worker/claims/pool.py",
        "        if self._ending is not None:",
        "        if False:",
    ),
    Mutation(
        "a claim that was long on its way takes jobs for nobody",
        "app/stream/scripts/claim.lua",
        "elseif last[1] and tonumber(last[1]) > tonumber(ARGV[3]) then",
        "elseif false then",
    ),
    Mutation(
        "a call that was counted and never made is an attempt",
        "worker/life/work.py",
        "if self._counting and not self._calling:",
        "if False:",
    ),
    Mutation(
        "nobody renews for a loop that stands still",
        "worker/claims/guard.py",
        "return bool(self._leases.claims) and LATE < late / self._lease_seconds < STAND_IN",
        "return False",
    ),
    Mutation(
        "a loop that stands still for good keeps its streams",
        "worker/claims/guard.py",
        "LATE < late / self._lease_seconds < STAND_IN",
        "LATE < late / self._lease_seconds",
    ),
    Mutation(
        "large conversations are all held at once",
        "app/http/bulk.py",
        "                while self._free < taken:",
        "                while False:",
    ),
    Mutation(
        "a client that has closed its half is poked behind a part of an event",
        "app/http/envelope.py",
        'message["body"].endswith(b"\\n\\n")',
        "True",
    ),
    Mutation(
        "what many clients ask for is held for each of them",
        "app/http/bulk.py",
        "held = self._held.get(key)\n            if",
        "held = None\n            if",
    ),
    Mutation(
        "a client that takes nothing holds up who waits",
        "app/http/bulk.py",
        "                taker.cut()",
        "                pass",
    ),
    Mutation(
        "who is patient is told to come back by who is not",
        "app/http/bulk.py",
        "if not (patient and isinstance(error, BusyError)):",
        "if True:",
    ),
    Mutation(
        "a large chunk of a chat is held for each client",
        "app/faces/chat/answer.py",
        "if len(shown) > PART_BYTES:",
        "if False:",
    ),
    Mutation(
        "a large answer goes out at once",
        "app/http/large.py",
        "for at in range(0, len(piece), PART_BYTES):\n            yield piece[at : at + PART_BYTES]",
        "yield piece",
    ),
)


TABLE = ROOT / "tests" / "README.md"
HEAD = "| taken away | first test to turn red |\n| --- | --- |\n"
_ROW = re.compile(r"^\| (?P<name>.+) \(`(?P<file>[^`]+)`\) \| (?:`(?P<test>[^`]+)`|\*\*none\*\*) \|$", re.MULTILINE)


def main() -> int:
    """Runs all mutations, or those whose name or file holds one of the words given."""
    words = [word for word in sys.argv[1:] if not word.startswith("-")]
    chosen = [one for one in MUTATIONS if not words or any(word in one.name or word in one.file for word in words)]
    survivors = 0
    sys.stdout.write(HEAD)
    with tempfile.TemporaryDirectory() as directory:
        copy = Path(directory) / "tree"
        shutil.copytree(ROOT, copy, ignore=LEFT_OUT)
        for mutation in chosen:
            red = first_red(mutation, copy)
            survivors += red is None
            sys.stdout.write(row(mutation, red) + "\n")
            sys.stdout.flush()
            if "--write" in sys.argv:
                TABLE.write_text(with_row(TABLE.read_text(), mutation, red))
    return 1 if survivors else 0


def row(mutation: Mutation, red: str | None) -> str:
    return f"| {mutation.name} (`{mutation.file}`) | {f'`{red}`' if red else '**none**'} |"


def known(table: str) -> dict[tuple[str, str], str]:
    """The tests that turned red by the table, by name and file of what was taken away."""
    return {(found["name"], found["file"]): found["test"] or "" for found in _ROW.finditer(table)}


def with_row(table: str, mutation: Mutation, red: str | None) -> str:
    """The page with this row in its place: the table has the order of the mutations, and no row of one that is gone."""
    rows = known(table) | {(mutation.name, mutation.file): red or ""}
    lines = [row(one, rows[one.name, one.file] or None) for one in MUTATIONS if (one.name, one.file) in rows]
    opening, _ = table.split(HEAD)
    return opening + HEAD + "\n".join(lines) + "\n"


def first_red(mutation: Mutation, copy: Path) -> str | None:
    """The first test that fails without the mechanism; None where all pass."""
    file = copy / mutation.file
    text = file.read_text()
    if text.count(mutation.old) != 1:
        raise SystemExit(f"{mutation.file} does not hold the text of: {mutation.name}")
    file.write_text(text.replace(mutation.old, mutation.new))
    try:
        likely = known(TABLE.read_text()).get((mutation.name, mutation.file))
        return (likely and run(copy, *likely.split())) or run(copy, *TESTS)
    finally:
        file.write_text(text)


def run(copy: Path, *tests: str) -> str | None:
    """The first of these tests that fails."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    try:
        ran = subprocess.run(command, cwd=copy, capture_output=True, text=True, timeout=LIMIT_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return None
    found = re.search(r"^(?:FAILED|ERROR) ([^\s\[]+)", ran.stdout, re.MULTILINE)
    return found[1] if found else None


if __name__ == "__main__":
    sys.exit(main())
