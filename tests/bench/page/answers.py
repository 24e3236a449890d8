"""What is asked for: numbered words, all of Markdown, any texts."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from itertools import count

from app.dev.simulator.answer.answers import pieces
from app.dev.simulator.answer.words.texts import TEXTS


def numbered(tokens: int) -> str:
    """Markdown of about so many tokens, each word a number of its own: what stands on a page tells how far it is."""
    numbers, parts, rest = count(1), [], tokens

    def words(many: int) -> str:
        return " ".join(f"{next(numbers):05}" for _ in range(many))

    shapes: list[Callable[[], str]] = [
        lambda: f"## About {words(3)}",
        lambda: f"{words(20)} **{words(3)}** {words(30)}, then `{words(2)}` and {words(10)}",
        lambda: "\n".join(f"- {words(9)} *{words(2)}* {words(4)}" for _ in range(4)),
        lambda: "\n".join(f"{n}. {words(12)}" for n in range(1, 4)),
        lambda: "```python\n" + "\n".join(f"values = [{words(5).replace(' ', ', ')}]" for _ in range(6)) + "\n```",
        lambda: f"> {words(25)}",
    ]
    while rest > 0:
        part = shapes[len(parts) % len(shapes)]()
        parts.append(part)
        rest -= len(pieces(part)) + 1
    return "\n\n".join(parts)


MIXED = "\n\n".join(text.markdown for text in TEXTS)
SHAPES = {
    name: head + "\n".join(line(n) for n in range(1, many)) + tail
    for name, head, line, tail, many in [
        (
            "formulas",
            "",
            lambda n: f"{n}. $x_{{{n}}}^2$ and\n   $$\\int_0^{{{n}}} \\frac{{x^{{{n}}}}}{{e^x - 1}}\\,dx$$",
            "",
            250,
        ),
        ("one list", "", lambda n: f"{n}. Item **{n}** of a list that does not end, with `code_{n}` in it", "", 500),
        ("one table", "| n | square | what |\n|--:|--:|---|\n", lambda n: f"| {n} | {n * n} | *row* {n} |", "", 500),
        ("one code block", "```python\n", lambda n: f"def f{n}(x: int) -> int: return x * {n}  # {n}", "\n```", 500),
        ("nested lists", "", lambda n: f"{'  ' * (n % 4)}- level {n % 4} of **{n}**, with a few words", "", 700),
        ("one quote", "", lambda n: f"> line {n} of a quotation that somebody did not want to end", "", 700),
        ("one paragraph", "A paragraph without an end, *emphasis* and `code` included. " * 700, str, "", 2),
    ]
}


def asking(text: str, *, rate: float, tokens: int | None = None) -> str:
    kept = "" if tokens is None else f" tokens={tokens}"
    return f"[[sim: first=0.2 rate={rate}{kept} text={json.dumps(text)}]]"


def numbers_in(text: str) -> list[int]:
    """All numbers of five digits; where a block ends nothing stands between two."""
    digits = re.findall(r"\d+", text)
    return [int(run[at : at + 5]) for run in digits for at in range(0, len(run), 5)]


LINES = (
    *("# Title", "Some *text* with **more**", "and `code` in it", "", "", "", "- item", "  - inner", "- [ ] to do"),
    *("1. one", "2. two", "   deeper", "| a | b |", "|---|--:|", "| 1 | 2 |", "> quoted", "> > twice", "---", "==="),
    *("```python", "def f(): pass", "```", "~~~", "    indented", "[a link](https://example.org)", "[ref][r]"),
    *("[r]: https://example.org", "<b>html</b>", "<div>", "a\\*b _c_ ~~d~~", "![p](https://example.org/p.png)"),
    *("https://example.org/x", "**open", "`open", "* * *", "&amp; &lt;", "ordinary words that go on", "+ plus", "\t"),
    *(
        "#tag",
        "***both*** at a line's start",
        "1.5 metres",
        "-5 degrees",
        "*begun* so",
        "+1",
        "<3 of it",
        "1) one",
        "=5",
    ),
    *(
        "$x_1$ and *b*",
        "$$",
        "$$x$$",
        "\\[",
        "\\]",
        "\\[ y * z",
        "\\(a_1",
        "b\\) **c",
        "$5 of $6",
        "costs $y",
        "\\",
        "  $$",
        "$$.",
    ),
    *(
        "[^1]: a *note*",
        "see [^1] and [^n]",
        "[^n]: $z$",
        "<kbd>K</kbd> <sub>2",
        "`$x` $",
        "x = y\\\\",
        "</kbd>",
        "> $$",
    ),
    *("```code``` in a line", "~~gone~~ is gone", "# ", "| x", "***", "_so_ too", "    ", "- ", "2.", "<!-- note -->"),
)


def shuffled(dice: random.Random) -> str:
    return "\n".join(dice.choice(LINES) for _ in range(dice.randint(3, 40)))
