"""Takes the picture of a resume anew, from a real run: `python -m tests.pictures.resume`.

A reader is cut off in the middle of an answer and comes back with the last id it had; another one never leaves. What is
drawn are the frames that the two connections brought, the text that they make, and the digests of both readers' bytes.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from html import escape
from pathlib import Path

import httpx
import orjson

from tests.harness.api import Api
from tests.harness.cluster import Cluster

PICTURE = Path(__file__).parents[2] / "app" / "docs" / "pictures" / "resume.svg"
ANSWER = (
    "The moon pulls at the sea, and the sea follows it round the earth. A coast meets the swell twice a day, and where "
    "a bay is long and narrow the water has nowhere to go but up: in the Bay of Fundy by sixteen metres."
)
PROMPT = f'Tell me about tides [[sim: text="{ANSWER}" rate=40 first=0.3]]'
CUT_AFTER = 24  # frames
SHOWN = 3  # frames on each side of the cut
WIDTH, LINE, LEFT = 940, 19, 26
LETTERS = 106  # in a line
STYLE = """
:root { color-scheme: light dark; }
.paper { fill: #faf8f5; stroke: #e2dcd2; } .pane { fill: #fff; stroke: #e2dcd2; }
text { font: 13px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; fill: #22252a; white-space: pre; }
.quiet { fill: #5c6066; } .call { fill: #0b7285; font-weight: 600; } .id { fill: #8a4600; }
.cut { fill: #a61e2d; font-weight: 600; }
.first { fill: #22252a; } .second { fill: #0b7285; font-weight: 600; }
@media (prefers-color-scheme: dark) {
  .paper { fill: #17181b; stroke: #34373d; } .pane { fill: #202226; stroke: #34373d; }
  text, .first { fill: #e8e6e1; } .quiet { fill: #a3a6ab; } .call, .second { fill: #63cdda; } .id { fill: #f0b35a; }
  .cut { fill: #ff9a94; }
}
"""


def frames_of(body: bytes) -> list[str]:
    """The frames of an answer: what stands between blank lines and has an id."""
    return [block for block in body.decode().split("\n\n") if "\nid: " in block]


def text_of(frames: list[str]) -> str:
    data = (orjson.loads(re.findall("^data: (.*)$", frame, re.MULTILINE)[0]) for frame in frames)
    return "".join(one.get("delta", {}).get("text", "") for one in data)


def id_of(frame: str) -> str:
    return frame.rpartition("\nid: ")[2]


async def run() -> tuple[list[str], list[str], list[str]]:
    """The frames of a reader's two connections, and those of a reader that never left."""
    async with Cluster() as cluster:
        api = Api(cluster)
        stream = await api.submit(PROMPT)
        staying = asyncio.create_task(api.events(stream))
        first = b""
        async with api.http.stream("GET", f"http://127.0.0.1:{api.port}/v1/streams/{stream}/events") as answer:
            async for part in answer.aiter_bytes():
                first += part
                if len(frames_of(first[: first.rfind(b"\n\n")])) >= CUT_AFTER:
                    break
        begun = frames_of(first[: first.rfind(b"\n\n")])
        rest = await api.events(stream, id_of(begun[-1]))
        assert rest.status_code == httpx.codes.OK
        whole = await staying
        await api.close()
        return begun, frames_of(rest.content), frames_of(whole.content)


class Drawing:
    def __init__(self) -> None:
        self.y = 0
        self.parts: list[str] = []

    def line(self, *pieces: tuple[str, str]) -> None:
        """A line of text, each piece with its class."""
        spans = "".join(f'<tspan class="{kind}">{escape(text)}</tspan>' for kind, text in pieces)
        self.parts.append(f'<text x="{LEFT}" y="{self.y}" xml:space="preserve">{spans}</text>')
        self.y += LINE

    def frame(self, frame: str) -> None:
        for field in frame.split("\n"):
            name, _, value = field.partition(": ")
            self.line(("quiet", f"{name}: "), ("id" if name == "id" else "first", value[: LETTERS - len(name) - 2]))
        self.y += LINE // 2

    def pane(self, top: int) -> None:
        height = self.y - top
        box = f'<rect class="pane" x="12" y="{top}" width="{WIDTH - 24}" height="{height}" rx="10"/>'
        self.parts.insert(0, box)
        self.y += 16


def draw(first: list[str], second: list[str], whole: list[str]) -> str:
    drawing = Drawing()
    top, drawing.y = 12, 36
    drawing.line(("call", "GET /v1/streams/…/events"))
    drawing.line(("quiet", f"… {len(first) - SHOWN + 1} frames, then"))
    for frame in first[1 - SHOWN :]:
        drawing.frame(frame)
    drawing.line(("cut", "✂ the connection is cut"))
    drawing.pane(top)
    top, drawing.y = drawing.y, drawing.y + 24
    drawing.line(("call", "GET /v1/streams/…/events   "), ("quiet", "Last-Event-ID: "), ("id", id_of(first[-1])))
    for frame in second[: SHOWN - 1]:
        drawing.frame(frame)
    drawing.line(("quiet", f"… {len(second) - SHOWN + 1} frames, the last of them "), ("first", "relay.end"))
    drawing.pane(top)
    drawing.y += 12
    before, after = text_of(first), text_of(second)
    written = 0
    for row in wrapped(before + after):
        cut = min(max(len(before) - written, 0), len(row))
        drawing.line(("first", row[:cut]), ("second", row[cut:]))
        written += len(row)
    drawing.y += LINE // 2
    for words, frames in (("both connections", first + second), ("who never left  ", whole)):
        digest = hashlib.sha256("\n\n".join(frames).encode()).hexdigest()
        drawing.line(("quiet", f"{words}  {len(frames)} frames, sha256 "), ("id", digest[:32]))
    height = drawing.y + 2
    described = f"A reader is cut off after {len(first)} frames, comes back with the last id, and gets exactly the rest"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'role="img" aria-label="{described}"><style>{STYLE}</style>'
        f'<rect class="paper" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="14"/>'
        f"{''.join(drawing.parts)}</svg>\n"
    )


def wrapped(text: str) -> list[str]:
    """Rows that end at a blank, and are the text when they are put together."""
    return re.findall(rf".{{1,{LETTERS - 4}}}(?:\s+|$)", text)


async def main() -> None:
    first, second, whole = await run()
    assert first + second == whole
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(draw(first, second, whole))


if __name__ == "__main__":
    asyncio.run(main())
