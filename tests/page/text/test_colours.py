"""Code that grows has the colours of the whole, and no more than a window of it is read at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.page.visiting import Site

pytestmark = pytest.mark.asyncio(loop_scope="session")

ROOT = Path(__file__).parents[3]
CODES = {
    "py": ROOT / "tests" / "page" / "test_looks.py",
    "js": ROOT / "app" / "web" / "chat" / "messages.js",
    "css": ROOT / "app" / "web" / "chat.css",
    "html": ROOT / "app" / "web" / "index.html",
    "lua": next((ROOT / "app" / "stream" / "scripts").rglob("*.lua")),
    "yaml": ROOT / "compose.yaml",
}
MOST = 12_000  # letters read at a time, where no piece is longer
READ = """async ([name, text]) => {
    const { Reading } = await import("/chat/markdown/tokens.js");
    const { tokenizer } = await import("/vendor/speed-highlight/tokenize.js");
    const language = (name) => import(`/vendor/speed-highlight/languages/${name}.js`).then((found) => found.default);
    const whole = [];
    let at = 0;
    const steps = tokenizer(text, name, (piece, kind) => {
        if (kind && piece) whole.push(`${kind} ${at} ${at + piece.length}`);
        at += piece.length;
    });
    for (let step = steps.next(); !step.done; ) step = steps.next(await language(step.value));

    let longest = 0;
    const measured = (part, ...others) => {
        longest = Math.max(longest, part.length);
        return tokenizer(part, ...others);
    };
    const reading = new Reading(name, language);
    for (let end = 700; end < text.length + 700; end += 700) {
        while (await reading.on(measured, text.slice(0, end)));
    }
    const grown = reading.found.map((one) => one.join(" "));
    const at_once = new Reading(name, language);
    while (await at_once.on(measured, text));
    const others = at_once.found.map((one) => one.join(" "));
    const wrong = (list) =>
        whole.filter((one, index) => one !== list[index]).length + Math.abs(whole.length - list.length);
    return { pieces: whole.length, grown: wrong(grown), at_once: wrong(others), longest };
}"""


async def test_code_that_grows_has_the_colours_of_the_whole(site: Site) -> None:
    page = await site.visit()
    texts = {name: "\n".join([CODES[name].read_text()] * 3)[:38_000] for name in CODES}
    for name, text in texts.items():
        told = await page.evaluate(READ, [name, text])
        assert told["pieces"] > 20, name
        assert (told["grown"], told["at_once"]) == (0, 0), (name, told)
        assert name == "html" or told["longest"] <= MOST, (name, told)
    # A piece that is longer than what is read at a time is one all the same.
    text = "a = 1\n" + '"""' + "text of a long string\n" * 1500 + '"""\n' + "def f(): pass\n" * 300
    told = await page.evaluate(READ, ["py", text])
    assert (told["grown"], told["at_once"]) == (0, 0), told
