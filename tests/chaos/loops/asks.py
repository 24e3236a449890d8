"""What is asked of loops of tools: which calls in which turns, and what the upstream does to one of these. Pure."""

from __future__ import annotations

import random

from tests.chaos.load.asks import Ask, Fault

MODULE = "tests.chaos.loops.tools"
TOOLS = ("pay", "look", "shaky", "sign")
ONCE = frozenset({"pay", "shaky", "sign"})
# The calls of a turn, those of the next one behind a semicolon: these turns again and again.
SCRIPTS = (
    "pay",
    "look,look",
    "pay,look;look",
    "shaky;pay,pay",
    "look;shaky,pay,look",
    "sign",
    "pay,sign;look",
    "look;sign,sign",
)
TURNS_MAX = 5
SAID = "Let me look at what there is to be done here."
# Of one turn's call; of a turn that only calls, text stands before the calls. Calls are refused by the nemesis alone:
# each refusal slows all workers down, and a loop makes many calls.
FAULTS = (
    Fault(),
    Fault(),
    Fault("cut-after=3", attempts=1, resets=1),
    Fault("end-after=5", attempts=1, resets=1),
    Fault("error-after=2", attempts=1, resets=1),
    Fault("bad-json-after=4", attempts=1, resets=1),
    Fault("status=529", attempts=1),
)


def loop(number: int, rng: random.Random) -> Ask:
    """A loop of up to `TURNS_MAX` turns of tools, and the text in which the model says what it was told."""
    turns, broken = rng.randint(1, TURNS_MAX), rng.choice(FAULTS)
    if broken.directive:
        where = rng.randint(1, turns + 1)
        broken = Fault(f"{broken.directive} turn={where} times=1", broken.attempts, broken.resets)
    else:
        broken = Fault("thinking" if rng.random() < 0.3 else "", 0, 0)
    tag = f"t{number}"
    script = f'tools="{rng.choice(SCRIPTS)}" turns={turns} tell text="{SAID}"'
    first = f"[[sim: {broken.directive}]] " if broken.directive else ""
    text = f"Number {number}. {first}[[sim: {script} rate={rng.choice([80, 200, 400])} first=0.05 tag={tag}]]"
    expected = Fault(broken.directive, turns + 1 + broken.attempts, broken.resets)
    return Ask(tag, text, expected, turns * 2000)


def relay() -> dict[str, object]:
    return {"tools": list(TOOLS)}
