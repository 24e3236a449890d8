# ruff: noqa: RUF001 - characters that are easily taken for others are what these texts are for
"""The answers themselves: Markdown worth looking at, with something of everything that a page has to render.

Only words live here. Each has the keywords that pick it, the first one that fits; a prompt without any is told what an
answer to it would be like.
"""

from app.dev.simulator.answer.words.flowing import Text, flowing
from app.dev.simulator.answer.words.topics import ELSE, LIVE, MATHS, RETRY, RIVERS, TIDES

GREETING = Text(
    ("hello", "hi", "hallo", "bonjour", "hola", "who are you", "help"),
    """\
# Hello! 👋

I am a **simulated Claude**: I speak the same wire as the real one, at the same pace, and I know a handful of things.
Ask me about one of these:

- **tides** and **rivers**, and a little *mathematics*
- *streams*, and why an **offset** beats a message queue
- *Python* code, such as a bounded `asyncio` worker pool
- a *table* of light, sound and other fast things
- a *recipe*, a *poem*, or a plan for a weekend in Kraków

> Whatever you ask, the same question has the same answer. That makes me dull company and a good test. 🙂

A prompt can also ask me to misbehave: `[[sim: cut-after=20 times=1]]` resets the connection after twenty tokens, once.
""",
)

STREAMS = Text(
    ("stream", "sse", "offset", "resume", "event", "redis", "queue", "log"),
    """\
## Why a stream should be a log

A chat answer arrives piece by piece over minutes, and somewhere between the model and the reader there is always a
train tunnel. There are two ways to think about it.

1. **A queue per reader.** Each reader has a mailbox, and somebody fills it. Who comes back late finds it gone, and who
   reads slowly fills somebody's memory.
2. **One log, many cursors.** The bytes are written *once*; a reader is nothing but a position in them.

The second is simpler in every way that matters:

| | mailbox | log |
| --- | :---: | :---: |
| a reader leaves and returns | lost | goes on at its offset |
| memory for 1 000 readers | 1 000 copies | one |
| two readers at different places | two queues | two numbers |
| "did I miss anything?" | nobody knows | compare two integers |

In code, the whole idea fits on a napkin:

```python
async def follow(log: Log, offset: int) -> AsyncIterator[bytes]:
    while not log.ended or offset < len(log):
        chunk = await log.read(offset)
        offset += len(chunk)
        yield chunk
```

The rest is honesty: an offset has to *prove* that it belongs to this history, and an ending has to be **written**, not
assumed. A connection that closes says only that a connection closed. 🔌
""",
)

PYTHON = Text(
    ("python", "code", "function", "asyncio", "program", "bug", "typescript", "javascript"),
    """\
### A bounded worker pool with `asyncio`

The trick is not to start *n* workers, it is to **refuse the n+1st piece of work** until there is room:

```python
import asyncio
from collections.abc import Awaitable, Callable


class Pool:
    \"\"\"At most `size` jobs at once; `submit` waits, so that nothing piles up unseen.\"\"\"

    def __init__(self, size: int) -> None:
        self._room = asyncio.Semaphore(size)
        self._jobs: set[asyncio.Task[None]] = set()

    async def submit(self, job: Callable[[], Awaitable[None]]) -> None:
        await self._room.acquire()
        task = asyncio.create_task(self._run(job))
        self._jobs.add(task)
        task.add_done_callback(self._jobs.discard)

    async def _run(self, job: Callable[[], Awaitable[None]]) -> None:
        try:
            await job()
        finally:
            self._room.release()
```

Things worth noticing:

- The set keeps a *strong* reference. Without it a task may be collected while it runs, which is as odd as it sounds.
- `acquire` stands **before** `create_task`: back-pressure reaches the caller.
- Nothing here says `except Exception: pass`. Ever.

The same in TypeScript is a queue and a counter:

```ts
const limit = (n: number) => {
  let free = n;
  const waiting: (() => void)[] = [];
  return async <T>(job: () => Promise<T>): Promise<T> => {
    if (free === 0) await new Promise<void>((go) => waiting.push(go));
    else free--;
    try { return await job(); } finally { const next = waiting.shift(); next ? next() : free++; }
  };
};
```

See [the documentation](https://docs.python.org/3/library/asyncio-sync.html) for the fine print. 🐍
""",
)

TABLE = Text(
    ("table", "compare", "list", "speed", "numbers", "physics", "science"),
    """\
## Fast things, in meters per second

| What | Speed | Compared with a cheetah 🐆 |
| :--- | ---: | :--- |
| a snail | 0.013 m/s | 2 300 times slower |
| a brisk walk | 1.5 m/s | 20 times slower |
| a cheetah | 30 m/s | **1×** |
| sound in air (20 °C) | 343 m/s | 11× |
| sound in steel | 5 960 m/s | 199× |
| the Earth around the Sun ☉ | 29 800 m/s | 993× |
| light in glass fibre | 2.0 · 10⁸ m/s | 6.7 million × |
| light in vacuum | 299 792 458 m/s | 10 million × |

Two remarks:

- Light in glass covers about **200 km per millisecond**. Kraków to Lisbon and back costs at least 27 ms, and no amount
  of tuning will change that.
- The famous formula is *E* = *mc*², or as code: `energy = mass * 299_792_458 ** 2`.

> “Nothing travels faster than light, with the possible exception of bad news.” — Douglas Adams

---

1. Measure first.
2. Measure again, on another day.
3. Only then decide:
   - if p99 is ten times p50, look for a queue;
   - if both are high, look for a round trip.
""",
)

RECIPE = Text(
    ("recipe", "cook", "food", "eat", "dinner", "soup"),
    """\
# Żurek, the sour rye soup 🥣

*Serves four. One hour, and five days of patience.*

## The sour

- 100 g wholemeal rye flour
- 500 ml lukewarm water
- 3 cloves of garlic, 2 bay leaves, 4 allspice berries

Stir, cover with a cloth, leave it at 20–24 °C for **five days**, stir daily. It should smell of apples and bread.

## The soup

1. Simmer 300 g of white sausage (*biała kiełbasa*) in 1½ l of vegetable broth for 25 minutes. Take it out, slice it.
2. Fry 100 g of diced bacon with an onion until golden.
3. Add bacon, `300 ml` of the sour, a tablespoon of marjoram. Simmer for ten minutes.
4. Stir in two spoons of cream ~~and some more~~, salt, pepper, grated horseradish.
5. Serve with halved eggs, the sausage and good bread.

| per serving | |
| --- | ---: |
| energy | 520 kcal |
| protein | 27 g |
| happiness | ∞ |

Smacznego! 🌿 (pronounced *smach-NEH-go*)
""",
)

POEM = Text(
    ("poem", "poetry", "song", "story", "write", "haiku"),
    """\
### Offsets

> A token falls, then one more token,
> each in its place, the thread unbroken;
> the tunnel comes, the signal goes,
> the log remembers what it owes.
>
> You surface, ask: *where did we part?*
> No need to start from the start.
> Four hundred twelve, you say, and then
> the river finds its bed again.

And a small one, in three lines:

古池や
蛙飛び込む
水の音

*(Matsuo Bashō, 1686: “The old pond — a frog jumps in — the sound of water.”)*

It also exists as a type, if you prefer it that way:

```rust
enum Pond { Old }
impl Pond { fn hear(self, _: Frog) -> Sound { Sound::Water } }
```

🐸
""",
    is_verse=True,
)

TRAVEL = Text(
    ("travel", "trip", "weekend", "city", "plan", "krakow", "kraków", "holiday"),
    """\
## A weekend in Kraków 🏰

### Saturday

1. **09:00** — coffee and an *obwarzanek* (the ring-shaped bread) on the **Rynek Główny**. At the full hour a trumpeter
   plays the *hejnał* from the taller tower of St Mary's and breaks off in the middle of a note.
2. **11:00** — walk up to **Wawel**. The dragon below it breathes real fire, every five minutes or so. 🐉
3. **15:00** — Kazimierz: synagogues, second-hand books, and *zapiekanki* on Plac Nowy.

### Sunday

- Either the **salt mine of Wieliczka** (800 steps down, a lift up; 14 °C all year)
- or the mound of Kościuszko, with a view as far as the Tatra mountains on a clear day
- and in the evening a concert; on most weekends there are *several*.

| | from | to | by |
| --- | --- | --- | --- |
| airport | KRK | Main Station | train, 20 min |
| Wieliczka | Main Station | Wieliczka Rynek-Kopalnia | train, 25 min |
| Tatra | Bus station | Zakopane | bus, 2–3 h |

Bring shoes that like cobblestones, and learn one phrase: **„Dzień dobry, poproszę kawę.”** More at
[krakow.travel](https://krakow.travel/en/).
""",
)

TOPICS = (
    Text(("tide", "moon", "sea", "ocean"), TIDES),
    Text(("river", "water", "rain"), RIVERS),
    Text(("websocket", "polling", "eventsource"), LIVE),
    Text(("retry", "retries", "backoff", "jitter"), RETRY),
    Text(("formula", "equation", "integral", "math", "mathematics", "maths", "proof", "theorem"), MATHS),
)
TEXTS = (*TOPICS, GREETING, STREAMS, PYTHON, TABLE, RECIPE, POEM, TRAVEL)
# To all else; with `{title}` and `{subject}` in it.
OTHERWISE = flowing(ELSE)

THINKING = (
    "The question is clear enough. Let me think about what a good answer needs: first the main point, "
    "then an example, and no more than that. A table might help; café, naïve and 東京 show that I mind accents. "
    "That is settled, so I can answer."
)
REFUSAL = "This request was refused because a directive of the prompt asked for it."
