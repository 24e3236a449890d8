"""`keepstream simulate`: options in, a serving process, an exit code out."""

import argparse
import asyncio
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack

import uvloop

from app.dev.simulator import values
from app.dev.simulator.prompts import document, kept
from app.dev.simulator.replaying.playing import add_options, replay_of
from app.dev.simulator.replaying.replay import Replay
from app.dev.simulator.reply import Pace
from app.dev.simulator.rules.buckets import Rates
from app.dev.simulator.wire import serving
from app.signals import SIGNALS, let_end

DESCRIPTION = """\
A simulated Claude: speaks the Messages API on this machine, for development, tests and benchmarks. Point the official
SDK at it:

  ANTHROPIC_BASE_URL=http://127.0.0.1:8100 ANTHROPIC_API_KEY=any-key

It serves POST /v1/messages (streaming and not), POST /v1/messages/count_tokens, GET /v1/models and /v1/models/{id}.
Any key is good but `bad-key` (401); any model but `claude-nonexistent` (404). The same prompt has the same answer;
one text delta is one token.
"""
EPILOG = """\
directives:
  Anywhere in the text of the last user message: [[sim: key=value key ...]]. Several are allowed. They are taken out
  before the answer is picked. A value with spaces is quoted as in JSON. What is not understood is answered with 400.

{keys}

how often:
  A fault happens at every call unless the same [[sim: ...]] also says
    times=N   only at the first N calls with exactly this prompt    [[sim: status=529 times=2]]
    call=N    only at the Nth       [[sim: cut-after=5 call=1]] [[sim: status=500 call=2]]
  Calls are counted for each text of the last user message (the most recent ones are remembered).
  What shapes the answer, its pace and its tag (tokens= to reset= above) holds at every call.

  "after N tokens" with N=0 is after message_start and before any content block; an answer that is shorter than N has
  its fault after its last token. think=, mute= and buffer-tool= are silences that end. Where a call is not streaming,
  error-after= is the error's status, stall-after= and pings-after= never answer, silences that end are waited for,
  end-after= and cut-after= reset the connection, bad-json-after= cuts the JSON.

in a loop of tools:
  What set the loop going is looked at again in each of its turns, when a message comes that only brings results. Then
  hold {kept}.
  All else, faults too, is of the first turn, unless the same [[sim: ...]] says
    turn=N    only in the Nth turn, from 1; 0: in each    [[sim: tools=clock turns=3]] [[sim: cut-after=2 turn=3]]
  Calls are counted for each turn. What the API would refuse is refused in its words: a call without its result, a
  result without its call, results behind other blocks, thinking that was left out or changed before a call.

threads:
  thread {{"type":"create"}} holds a conversation under its replies' ids, as the SDK's tool runner asks for; who sends
  {{"type":"continue","previous_message_id":ID}} sends only what is new. What is forgotten is 404, thread_not_found.

caches:
  cache_control is kept to as by the API: marks that it refuses are refused, what stands before the others is written
  and read by later calls, for five minutes or an hour, in usage and in the counts below.

counts, for tests:
  GET /_sim/calls    of POST /v1/messages: {{"calls","open","closed_early","last_closed_at","statuses":{{"200":1}},
                     "tags":{{"mine":{{"calls",...}}}}}}; "closed_early" are clients that left before their answer's end
  GET /_sim/meter    what each call would be billed, by its request id: {{"req_…":{{"model","tag","input_tokens",
                     "output_tokens","cache_read_input_tokens","cache_creation_input_tokens"}}}}; a cut one's prompt and
                     what was said by then, a refused one nothing
  POST /_sim/reset   starts all counts again, also those of times= and call=
  POST /_sim/rates   ?calls=5&burst=1&refusal-delay=0.3: a rate limit from now on, in the words of the options; without
                     any there is none
"""


def main(argv: list[str] | None = None) -> int:
    """Runs until SIGTERM or SIGINT; then 0, also with streams open. 2 when it cannot listen."""
    parser = _parser()
    options = parser.parse_args(argv)
    replay = replay_of(parser, options)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        pace = Pace(options.rate, options.first)
        rates = Rates(
            options.calls,
            options.input_tokens,
            options.output_tokens,
            options.burst,
            options.refusal_delay,
            told=not options.limits_untold,
        )
        return runner.run(_serve(options.host, options.port, pace, rates, replay))


async def _serve(host: str, port: int, pace: Pace, rates: Rates, replay: Replay | None) -> int:
    stopped = asyncio.Event()
    for number in SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with AsyncExitStack() as stack:
        stack.callback(let_end)
        try:
            url = await stack.enter_async_context(serving(host, port, pace, rates, replay))
        except OSError as error:
            sys.stderr.write(f"keepstream simulate: cannot listen on {host}:{port}: {error}\n")
            return 2
        print(f"simulated Claude on {url}", flush=True)  # noqa: T201 the one line that others wait for
        await stopped.wait()
    return 0


def _parser() -> argparse.ArgumentParser:
    usual = Pace()
    parser = argparse.ArgumentParser(
        prog="keepstream simulate",
        description=DESCRIPTION,
        epilog=EPILOG.format(keys=document(), kept=", ".join(kept())),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=_port, default=8100, help="port, 0 takes a free one (default: %(default)s)")
    parser.add_argument(
        "--rate", type=_number(values.rate), default=usual.rate, metavar="TOKENS",
        help="tokens per second of each stream, 0 is as fast as possible (default: %(default)g)",
    )  # fmt: skip
    parser.add_argument(
        "--first", type=_number(values.seconds), default=usual.first, metavar="SECONDS",
        help="seconds to the first token (default: %(default)g)",
    )  # fmt: skip
    add_options(parser)
    _limits(parser.add_argument_group("a rate limit (token buckets, for each model its own; 0 is none)"))
    return parser


def _limits(group: "argparse._ArgumentGroup") -> None:
    usual, rate, seconds = Rates(), _number(values.rate), _number(values.seconds)
    for name, what in (
        ("calls", "calls of /v1/messages a second; beyond: 429 with retry-after"),
        ("input-tokens", "input tokens a second"),
        ("output-tokens", "output tokens a second"),
    ):
        group.add_argument(f"--{name}", type=rate, default=0.0, metavar="N", help=f"{what} (default: %(default)g)")
    group.add_argument(
        "--burst", type=seconds, default=usual.burst, metavar="SECONDS",
        help="how many seconds' worth may come at once, one call at least (default: %(default)g)",
    )  # fmt: skip
    group.add_argument(
        "--refusal-delay", type=seconds, default=usual.refusal_delay, metavar="SECONDS",
        help="how long a 429 takes to come (default: %(default)g)",
    )  # fmt: skip
    group.add_argument(
        "--limits-untold", action="store_true", help="no anthropic-ratelimit-* headers while such a limit is on"
    )


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) <= 65535):  # noqa: PLR2004 TCP's range
        raise argparse.ArgumentTypeError("is a number from 0 to 65535")
    return int(text)


def _number(read: Callable[[str | None], float]) -> Callable[[str], float]:
    """The same rules for an option as for the directive of its name."""

    def reader(text: str) -> float:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(values.number_error(error)) from error

    return reader
