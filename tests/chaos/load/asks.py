"""What is asked of the simulated Claude: texts of any size, and what its upstream does to them. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cached_property

from app.dev.simulator import answer_for

LARGE_BYTES = 200_000


@dataclass(frozen=True)
class Fault:
    """What an upstream does to one call, and what a stream then shows that nothing else disturbs."""

    directive: str = ""
    attempts: int = 1
    resets: int = 0


WHOLE = Fault()
FAULTS = (
    WHOLE,
    WHOLE,
    WHOLE,
    Fault("cut-after=7 times=1", attempts=2, resets=1),
    Fault("status=529 times=1", attempts=2),
    Fault("status=429 retry-after=1 times=1"),
    Fault("end-after=9 times=1", attempts=2, resets=1),
    Fault("error-after=5 times=1", attempts=2, resets=1),
    Fault("bad-json-after=4 times=1", attempts=2, resets=1),
    Fault("thinking"),
    Fault("hostile"),
)


@dataclass(frozen=True)
class Ask:
    """One prompt; the simulator counts its calls by `tag`. `size` is about what its log takes, in bytes, `before` what
    was asked before it in its conversation.
    """

    tag: str
    text: str
    fault: Fault
    size: int
    before: str = ""

    @property
    def large(self) -> bool:
        return self.size >= LARGE_BYTES

    @cached_property
    def expected(self) -> str:
        """The answer; of a conversation's second question the one whose first was answered, in part at least."""
        asked = [self.before, self.text] if self.before else [self.text]
        return answer_for([{"role": "user", "content": text} for text in asked])

    @cached_property
    def answers(self) -> tuple[str, ...]:
        """What may come: a question that nothing at all came of goes up in one message with the next."""
        if not self.before:
            return (self.expected,)
        both = [{"type": "text", "text": text} for text in (self.before, self.text)]
        return self.expected, answer_for([{"role": "user", "content": both}])


def ask(number: int, rng: random.Random) -> Ask:
    """The prompt of this number: each 100th has a log of up to 16 MB, each 25th one of up to 2; others are short."""
    if number % 100 == 7:
        return _large(number, rng, rng.randrange(2_000_000, 15_500_000))
    if number % 25 == 3:
        return _large(number, rng, rng.randrange(LARGE_BYTES, 2_000_000))
    fault = rng.choice(FAULTS)
    tokens, rate = rng.randrange(1, 250), rng.choice([40, 80, 200])
    return _ask(number, fault, f"tokens={tokens} rate={rate}", tokens * 150)


def small(number: int, rng: random.Random, fault: Fault = WHOLE, tokens: int = 250) -> Ask:
    """A short one with this fault."""
    return _ask(number, fault, f"tokens={rng.randrange(20, tokens)} rate={rng.choice([40, 80, 200])}", tokens * 150)


def _large(number: int, rng: random.Random, size: int) -> Ask:
    """By one frame of many MB in front of others, or by many frames."""
    if rng.random() < 0.5 or size > 2_000_000:
        return _ask(number, WHOLE, f"big-delta={size} tokens={rng.randrange(20, 200)} rate=60", size)
    return _ask(number, WHOLE, f"tokens={size // 150} rate={rng.choice([1000, 2000])}", size)


def _ask(number: int, fault: Fault, answer: str, size: int) -> Ask:
    tag = f"c{number}"
    text = f"Number {number}. [[sim: {fault.directive or 'split'}]] [[sim: {answer} first=0.05 tag={tag}]]"
    return Ask(tag, text.replace("[[sim: split]] ", ""), fault, size)
