"""More answers, to what people try first; and what is said to a question that nothing here answers.

Only words live here, as in `texts`.
"""

TIDES = """\
## Two tides a day

The Moon does not only pull the sea: it pulls the **near side of the Earth more** than its center, and the center more
than the far side. Seen from the Earth, the water is stretched in both directions, so there are *two* bulges, and the
Earth turns beneath them once a day.

With the Moon's mass $M$ at a distance $d$, and the Earth's radius $R$, what is left of its pull at the near side is

$$
a_{\\text{tide}} \\approx \\frac{GM}{(d-R)^2} - \\frac{GM}{d^2} \\approx \\frac{2GMR}{d^3}
$$

and at the far side the same, away from the Moon. The third power is why the Moon wins over the Sun, although the Sun
pulls 180 times harder:

| | pull on the Earth | tidal acceleration |
| --- | ---: | ---: |
| Moon | $3.3 \\cdot 10^{-5}$ m/s² | $1.1 \\cdot 10^{-6}$ m/s² |
| Sun | $5.9 \\cdot 10^{-3}$ m/s² | $0.5 \\cdot 10^{-6}$ m/s² |

Three things follow:

- High tide comes about **50 minutes later** each day, because the Moon has moved on meanwhile.
- At new and full moon both pull along one line (*spring tide*); at half moon they pull across (*neap tide*).
- Coasts do the rest: half a meter in mid-ocean, sixteen in the Bay of Fundy, whose water swings in step.
"""

RIVERS = """\
## How a river works

A river is the shortest way down that water has found so far. It carries three things at once: **water**, what the water
has dissolved, and what it has torn loose, from silt to boulders.

1. **The upper course** is steep. The river cuts down, makes a V of its valley, and moves stones as large as a car in a
   flood.
2. **The middle course** flattens. It swings from side to side, takes from the outer bank and gives to the inner one: so
   bends grow into *meanders*, and are cut off in the end.
3. **The lower course** has hardly any slope. What was carried is laid down, as flood plains and at last as a delta.

| River | Length | Water at its mouth |
| --- | ---: | ---: |
| Amazon | 6,400 km | 209,000 m³/s |
| Nile | 6,650 km | 2,800 m³/s |
| Yangtze | 6,300 km | 30,000 m³/s |
| Vistula | 1,047 km | 1,080 m³/s |

> “No man ever steps in the same river twice.” — Heraclitus, roughly

The Amazon alone brings a fifth of all fresh water that reaches the sea. How fast a river flows depends on slope and
depth by Manning's formula, $v = \\frac{1}{n} R^{2/3} S^{1/2}$: twice as deep is about 1.6 times as fast.
"""

LIVE = """\
## SSE, WebSockets, and long polling

All three bring news from a server to a page. They differ in who may speak, and in what happens when the line breaks.

| | SSE | WebSockets | Long polling |
| --- | --- | --- | --- |
| Direction | server → client | both ways | server → client, one answer at a time |
| Protocol | plain HTTP | its own, after an upgrade | plain HTTP |
| Reconnecting | built in, with `Last-Event-ID` | yours to write | each request is one |
| Through proxies | yes, unless they buffer | mostly | always |
| Binary data | no | yes | yes |
| Cost of a message | a few bytes | a few bytes | a whole request |

In short:

- **SSE** for a stream of text that must survive a tunnel: tokens of a model, logs, progress.
- **WebSockets** where the client talks as much as the server: games, shared editors, voice.
- **Long polling** where something in between swallows the others.

```js
const events = new EventSource("/v1/streams/st_…/events");
events.addEventListener("content_block_delta", ({ data }) => show(JSON.parse(data).delta.text));
```

That is the whole client: after a lost connection the browser comes back by itself and says which event it had last.
"""

RETRY = """\
### Retrying, with backoff

Wait twice as long after each failure, and *jitter* it, so that a thousand clients do not come back in the same instant:

```python
import random
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def retry(call: Callable[[], T], *, tries: int = 5, first: float = 0.5, longest: float = 8.0) -> T:
    \"\"\"What `call` returns; tried again on a `ConnectionError`, and raised after the last try.\"\"\"
    for attempt in range(tries):
        try:
            return call()
        except ConnectionError:
            if attempt == tries - 1:
                raise
            time.sleep(random.uniform(0, min(longest, first * 2**attempt)))
    raise AssertionError("unreachable")
```

What makes it good:

- It catches **one** kind of error. A bug is not healed by trying again.
- The wait is bounded (`longest`), and so is the number of tries.
- *Full jitter*: any time between nothing and the limit, which spreads the load best.

Where the server says `Retry-After`, do as it says: it knows more than your formula. And retry only what may safely be
done twice; for all else send an `Idempotency-Key`. 🔁
"""

MATHS = """\
## Three formulas worth knowing

**The quadratic formula.** For $ax^2 + bx + c = 0$ with $a \\neq 0$:

$$
x = \\frac{-b \\pm \\sqrt{b^2 - 4ac}}{2a}
$$

What stands under the root says how many real solutions there are: two, one, or none.

**The Gaussian integral.** No elementary function has the derivative $e^{-x^2}$, and yet

$$
\\int_{-\\infty}^{\\infty} e^{-x^2} \\, dx = \\sqrt{\\pi}
$$

To see it, square the integral and go over to polar coordinates:
$\\int_0^{2\\pi}\\!\\int_0^\\infty e^{-r^2} r \\, dr \\, d\\theta = \\pi$.

**Euler's identity.** $e^{i\\pi} + 1 = 0$ is the special case of
$e^{i\\varphi} = \\cos\\varphi + i\\sin\\varphi$ for a half turn.

| | what it needs | who found it |
| --- | --- | --- |
| quadratic formula | a square root | Babylonians, about 1800 BC |
| Gaussian integral | a change of coordinates | Poisson, Laplace, Gauss |
| Euler's identity | power series | Euler, 1748 |
"""

# To what nothing here answers; `{subject}` is what was asked about.
ELSE = """\
## {title}

You asked about *{subject}*. I am a **simulated Claude**: I speak on the same wire and at the same pace as the real one,
and I know only a handful of things. Rather than make up facts, here is how a good answer about {subject} would go.

1. **What it is.** One or two sentences that somebody who never heard of it understands, without a word that needs
   explaining itself.
2. **How it works.** The one mechanism that explains most of it, and an example with real numbers.
3. **Where it ends.** What it is often taken for, what is still disputed, and what to read next.

| Part | Length | What it is for |
| --- | --- | --- |
| The definition | 2 sentences | to agree on what is meant |
| The mechanism | a paragraph | to understand it |
| An example | a table, or a few lines of code | to believe it |
| The limits | 3 points | to use it well |

> A long answer is not a better one. If {subject} fits in four sentences, four sentences it should be.

What I do know something about: **tides** and **rivers**, *streams* and offsets, Python, SSE and WebSockets, a little
mathematics, a recipe, a poem, and a weekend in Kraków. To ask the real Claude, set `ANTHROPIC_API_KEY` and start again.
"""
