"""What is a formula and what is not, what is drawn of one, and what is copied. The modules alone, in a tab."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from tests.page.visiting import NOW, Site, answer, answered, body, button, eventually, quoted, say

pytestmark = pytest.mark.asyncio(loop_scope="session")

# The source of each formula that is found in a text, and what was made of it: "drawn", or "source" where it stays that.
FOUND = """async (text) => {
    const { fetchRare, Markdown } = await import("/chat/markdown/markdown.js");
    await fetchRare();
    await (await import("/chat/markdown/math.js")).fetchTemml();
    const element = document.createElement("div");
    const markdown = new Markdown(document.body.appendChild(element));
    markdown.write(text);
    markdown.end();
    markdown.draw(Infinity);
    element.remove();
    return [...element.querySelectorAll(".math")].map((one) => {
        const drawn = one.querySelector("math") ? "drawn" : one.textContent === one.dataset.source ? "source" : "lost";
        return [one.dataset.source, one.classList.contains("display") ? `${drawn}, alone` : drawn];
    });
}"""


async def found(page: Page, text: str) -> list[list[str]]:
    told: list[list[str]] = await page.evaluate(FOUND, text)
    return told


@pytest.mark.parametrize(
    "text",
    [
        "costs $5 and $6",
        "$20-$30, US$5 and US$6, 5$ or 10$, ($5), $1,000\u2013$2,000",
        "paid $50 (not 40$), $5 per month or 50$ a year",
        "cheap ($), moderate ($$), dear ($$$), $$ \u2013 $$$, $$-$$$",
        "`$x$` and ``$`y$``, \\$x$, $HOME/bin:$PATH, $ x$, $x $",
        "    $x$\n\n```sh\necho $A $B\n```\n",
        "\\[note\\] and \\(optional\\), \\[a\\](https://a.example), \\\\(x\\\\)",
        "$$\n\nx\n$$",
        "the $ is strong and the other $ is weak",
        "https://a.example/$x$y",
    ],
)
async def test_no_price_and_no_code_is_a_formula(page: Page, text: str) -> None:
    assert await found(page, text) == []


@pytest.mark.parametrize(
    ("text", "sources"),
    [
        ("$x$, the $n$th ($x_1 * y_2$)", ["$x$", "$n$", "$x_1 * y_2$"]),
        ("**bold $a*b$ on** and *$\\alpha$*", ["$a*b$", "$\\alpha$"]),
        ("\\(e^{i\\pi} + 1 = 0\\).", ["\\(e^{i\\pi} + 1 = 0\\)"]),
        ("$\\text{if it is so}$ and $5 \\cdot 10^3$", ["$\\text{if it is so}$", "$5 \\cdot 10^3$"]),
        ("| $x$ | \\(y\\) |\n|---|---|\n| $\\frac{1}{2}$ | b |", ["$x$", "\\(y\\)", "$\\frac{1}{2}$"]),
        ("- $x$\n\n> $y$\n\n# $z$", ["$x$", "$y$", "$z$"]),
    ],
)
async def test_a_formula_in_a_line(page: Page, text: str, sources: list[str]) -> None:
    assert await found(page, text) == [[source, "drawn"] for source in sources]


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("text:\n$$\na\n- b\n= c\n$$\nand", "$$\na\n- b\n= c\n$$"),
        ("so $$x^2$$ it is", "$$x^2$$"),
        ("\\[\n\\begin{aligned} a &= b \\\\[2pt] c &= d \\end{aligned}\n\\].", None),
        ("1. one\n   \\[ x \\]\n2. two", "\\[ x \\]"),
    ],
)
async def test_a_formula_of_its_own(page: Page, text: str, source: str | None) -> None:
    assert await found(page, text) == [[source or text[:-1], "drawn, alone"]]


@pytest.mark.parametrize(
    "text",
    [
        "$\\nope{x}$",
        "$\\frac{1}{$",
        "$\\href{https://a.example}{x}$",
        "$\\includegraphics{https://a.example/p.png}$",
        "$\\class{menu}{x}$",
        "$\\ref{message}$",
        "$" + "{" * 1000 + "x" + "}" * 1000 + "$",
        "$" + "x^{" * 100 + "1" + "}" * 100 + "$",
        "$\\def\\a{\\a\\a}\\a$",
        "$\\def\\a{" + "x+" * 400 + "}" + "\\a" * 90 + "$",
        "$" + "x'+" * 1300 + "x$",
        "$\\ce{" + "1.2e3" * 700 + "}$",
    ],
)
async def test_what_cannot_be_read_or_goes_too_far_is_its_source(page: Page, text: str) -> None:
    assert await found(page, text) == [[text, "source"]]


async def test_while_a_formula_grows_it_is_its_source_and_then_never_again(page: Page) -> None:
    text = "The **value $\\frac{a_1*b}{c}$ of** it\n\n$$\nx\n- y_1\n$$\nend"
    shown: list[str] = await page.evaluate(
        """async (text) => {
            const { fetchRare, Markdown } = await import("/chat/markdown/markdown.js");
            await fetchRare();
            await (await import("/chat/markdown/math.js")).fetchTemml();
            const shown = [];
            const element = document.createElement("div");
            const markdown = new Markdown(document.body.appendChild(element));
            performance.now = () => 0; // each is drawn: none takes so long that the next one has to wait
            for (const letter of text) {
                markdown.write(letter);
                markdown.draw(Infinity);
                shown.push(element.querySelector("math") ? "drawn" : element.textContent);
            }
            delete performance.now;
            element.remove();
            return shown;
        }""",
        text,
    )
    assert "**" not in "".join(shown)
    begun = [frame for frame in shown if "\\frac" in frame]
    assert begun[-1].endswith("$\\frac{a_1*b}{c}")
    assert set(shown[shown.index("drawn") :]) == {"drawn"}


async def test_formulas_are_fetched_when_there_are_any_and_what_is_copied_is_their_source(site: Site) -> None:
    context = await site.context(permissions=["clipboard-read", "clipboard-write"])
    page = await site.visit(context=context)
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url.removeprefix(site.address)))

    await say(page, "Prose", f"{quoted('It costs 5 dollars.')} {NOW}")
    await answered(page)
    assert not {"chat/markdown/rare.js", "vendor/temml.js", "math.css"} & set(fetched)

    text = "Since $a^2$ is here[^1]:\n\n$$\nc = \\sqrt{a^2}\n$$\n\nPress <kbd>Ctrl</kbd>.\n\n[^1]: A *note*"
    await say(page, "Mathematics", f"{quoted(text)} {NOW}")
    await answered(page, 2)
    await expect(body(page).get_by_role("math")).to_have_count(2)
    assert {"chat/markdown/rare.js", "vendor/temml.js", "math.css"} <= set(fetched)
    await expect(body(page).locator("kbd")).to_have_text("Ctrl")
    await button(body(page), "Note 1").click()
    await expect(body(page).locator(".foot")).to_be_focused()

    assert "vendor/mhchem.js" not in fetched
    await button(answer(page), "Copy as Markdown").click()
    assert await clipboard(page, "Since") == text
    await page.evaluate("getSelection().selectAllChildren(document.querySelector('article:last-of-type .body'))")
    await page.keyboard.press("Control+C")
    copied = await clipboard(page, "Since $a^2$ is here1")
    assert "$$\nc = \\sqrt{a^2}\n$$" in copied
    assert "Press Ctrl." in copied

    burning = quoted("It burns: $\\ce{2H2 + O2 -> 2H2O}$")
    await say(page, "Chemistry", f"{burning} {NOW}")
    await answered(page, 3)
    await expect(body(page).locator(".math:not(.unread) math")).to_contain_text("\u2192")
    assert "vendor/mhchem.js" in fetched


async def test_what_came_before_the_rules_is_read_by_them_in_the_end(site: Site) -> None:
    page = await site.visit()
    text = (
        "## One\n\nText with $x_1*y*z_2$ and <kbd>K</kbd>.\n\n### Two\n\n- a\n\n$$\nx\n$$\n\n[^1]: A note\n\n## Three\n"
    )
    told: list[str] = await page.evaluate(
        """async (text) => {
            const { Markdown } = await import("/chat/markdown/markdown.js");
            const frame = () => new Promise((resolve) => setTimeout(resolve));
            const page = async (parts) => {
                const element = document.createElement("div");
                const markdown = new Markdown(document.body.appendChild(element));
                for (const part of parts) {
                    markdown.write(part);
                    markdown.draw(Infinity);
                }
                markdown.end();
                while (markdown.draw(Infinity)) await frame();
                element.remove();
                return element;
            };
            // Its letters, one by one and each of them drawn: none takes so long that the next one has to wait.
            performance.now = () => 0;
            const early = await page(text);
            delete performance.now;
            while (early.querySelector(".math:not(.unread):not(:has(math))")) await frame();
            return [early.innerHTML, (await page([text])).innerHTML];
        }""",
        text,
    )
    assert told[0] == told[1]
    assert "<h3" in told[0]


async def clipboard(page: Page, start: str) -> str:
    found = ""

    async def is_there() -> bool:
        nonlocal found
        found = await page.evaluate("navigator.clipboard.readText()")
        return found.startswith(start)

    await eventually(is_there)
    return found
