"""Texts that have bitten somebody: Markdown whose halves look like something else, and texts that want to act."""

from pathlib import Path

from app.dev.simulator.answer.words import texts

# All that an answer can look like, for eyes and for axe.
DEMO = Path(__file__).with_name("demo.md").read_text()

ANSWERS = [text.markdown for text in texts.TEXTS]

TRICKY = [
    "Title\n=====\n\nOther\n---\n\nand text\n***\nafter a rule",
    "* one\n* two\n\n  still two\n\n* three\n1. a\n2. b\n   - c\n     - d\n\n       e\n10. f",
    "- [ ] to do\n- [x] done\n- [x]not one\n-not one\n\n+ other\n+ list",
    "| a | b |\n|---|:-:|\n| 1 | `x|y` |\n| **2** | \\| |\n\nnot | a | table\n\n| only |\n| --- |\n",
    "```python\nprint('```')\n```\n\n~~~~\n```\nnested\n```\n~~~~\n\n    indented\n\n    code\n\n```\nopen\n\n- no",
    "> quote\nlazy\n> > deeper\n\n> other\n> ```js\n> let a = 1;\n> ```\n",
    "**bold *both* bold** _it_ snake_case_name 2 * 3 * 4 **a**b ***all*** ~~gone~~ ~one~ `` a ` b `` \\*plain\\*",
    '[link](https://a.example/x_(y)?q=1&r=2 "title") [ref][one] [one] ![pic](https://a.example/p.png)\n\n[one]: /x\n',
    "<https://b.example> www.c.example and https://d.example/path_with_under_scores. me@e.example, http://f.example)",
    "[one] comes before what it means\n\nand [two][one] too\n\n[one]: https://f.example 'its title'\n\nend [one]",
    "line one  \nline two\\\nline three\nline four<br>five &amp; &lt;b&gt; &#65; &nope; &copy",
    "<div>\nhtml **not bold**\n</div>\n\n<!-- a\n\ncomment -->\n\n<b>inline</b> <script>x</script>\n\n<pre>\n\n*em*",
    "1. one\n\n   ```rust\n   fn main() {}\n   ```\n\n2. two\n\n   | a |\n   |---|\n   | b |\n",
    "# H1 #\n## H2\n###not\n#### *H4* `code`\n####### seven\n",
    "emoji 👩‍👩‍👧 e\u0301 日本語 العربية \u202ertl\u202c tab\tend\r\nwindows\r\n\r\nparagraph\r\n- list\r\n",
    "mac\rlines\r\r# and\r\n\r\n\rothers\n\r\n- one\r- two\r\n\r\n> three\r\r\nfour \ud83d half \udc00, \ud83d\udc69\r",
    "a\n\n\n\n\nb\n \n\t\nc   \n\n   d",
    "footnote[^1] and $math_{a}$ and H~2~O and ==mark==\n\n[^1]: note\n\nTerm\n: definition",
    "Inline $x_1 * y_2$ and **bold $a*b$ c** and \\(e^{i\\pi}+1=0\\), the $n$th, `$x$`, ``$`y``, \\$5, $$x^2$$ so",
    "text **bold\n$$\na\n- b_1\n= c * d\n\\text{ if } x_1 < 2\n$$\nmore **bold**\n\n\\[\n\\int x\\,dx\n\\].\nand on",
    "$$ is not closed\nfoo\n\nbar **b**\n\n\\[ is not\n- closed *here*\n\n\\(nor here and **there\n\n$x_1 not here",
    "- item $x_1$\n- other\n  $$\n  y * z\n  $$\n- $$\n- third\n\n> $$\n> a\n> + b\n> $$\n> so\n\n1. \\[ x \\]\n2. \\(",
    "costs $5 and $6, $20-$30 (US$5, 5$), $$ to $$$, $HOME/$PATH, **$5** to *6$* and \\[note\\] and \\(or so\\), $ $ $",
    "see [^1] and [^b], [^c].\n\n[^1]: The *note*\n  goes $on$\nand text\n[^b]: two\n\n[^1] again [^9] and a[^2](b)",
    "press <kbd>Ctrl</kbd>+<KBD>C</kbd>, H<sub>2</sub>O, x<sup>*2* <kbd>k</kbd></sup>, <sub>**o\n\n<kbd>\n<sup>a",
    "| $x$ | `a|b` |\n|---|---|\n| $\\frac{1}{2}$ | \\(y_1\\) [^1] |\n| $|z|$ | <kbd>k</kbd><br> |\n\n$\\no{$ $\\frac$",
    "a \\ b \\\\ c \\[d \\\\[e \u0003 $x\u0003y$ $$\u0003\n\nf\\",
    "- a\n\n      code in item\n\n  b\n- c\n\n\n- d\n\nend\n- e\n# heading\n- f\n```\ncode right after\n```\ng",
]

_ACT = "document.title='taken'"
HOSTILE = [
    f"<script>{_ACT}</script>",
    f'<img src=x onerror="{_ACT}">',
    f'<svg onload="{_ACT}"><script>{_ACT}</script></svg>',
    f'<iframe srcdoc="<script>parent.{_ACT}</script>"></iframe><iframe src=https://evil.example></iframe>',
    f'<a href="javascript:{_ACT}">click</a>',
    f"[click](javascript:{_ACT})",
    f"[click](JaVaScRiPt:{_ACT})",
    f"[click](javascript&#58;{_ACT})",
    f"[click](javascript&#x3a;{_ACT})",
    f"[click](javascript&colon;{_ACT})",
    f"[click](java&#x0A;script:{_ACT})",
    f"[click](<java\tscript:{_ACT}>)",
    f"[click](\x01javascript:{_ACT})",
    f"[click]( javascript:{_ACT})",
    "[click](vbscript:msgbox) [click](file:///etc/passwd) [click](blob:https://evil.example/x)",
    f"[click](data:text/html,<script>{_ACT}</script>)",
    "[click](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    f"![x](javascript:{_ACT}) ![x](data:image/svg+xml,<svg/onload={_ACT}>) ![x](https://evil.example/p.png)",
    "![x](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+)",
    '![a" onerror="x](data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7)',
    f"<javascript:{_ACT}> <data:text/html,x> javascript:{_ACT}",
    f"[click]: javascript:{_ACT}\n\n[click] [click][]",
    f'[a](https://a.example "x\\" onclick=\\"{_ACT}")',
    f'```html"><img src=x onerror={_ACT}>\n<script>{_ACT}</script>\n```',
    f"|<script>{_ACT}</script>|\n|---|\n|<img src=x onerror={_ACT}>|",
    "<style>body { display: none }</style><link rel=stylesheet href=https://evil.example/x.css>",
    "<form action=https://evil.example><button>x</button></form><base href=https://evil.example>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'><object data=x></object><embed src=x>",
    f"$\\href{{javascript:{_ACT}}}{{x}}$ $\\url{{javascript:{_ACT}}}$ $$\\includegraphics{{https://evil.example/p.png}}$$",
    "$\\class{menu}{x}$ $\\style{position:fixed}{x}$ $\\id{message}{x}$ $\\data{x=1}{y}$ $\\ref{message}$",
    f"$\\text{{<img src=x onerror={_ACT}>}}$ $<script>{_ACT}</script>$ $\\label{{message}}x$ $\\tag{{<b>}}$",
    "$\\kern-100em x \\rule{999em}{999em} \\raisebox{99em}{x} \\color{url(x)} x \\textcolor{red;x}{y} \\unicode{x3c}$",
    f'$x" onclick="{_ACT}$ $\\mathop{{x}}$ \\(\\def\\href#1{{x}}\\href{{javascript:{_ACT}}}\\)',
    f"<kbd onclick={_ACT}>x</kbd> <sub style='position:fixed'>x</sub> <sup><script>{_ACT}</script></sup>",
    f"[^1] [^<b>] [^__proto__]\n\n[^1]: <script>{_ACT}</script> [x](javascript:{_ACT})\n[^<b>]: x\n[^__proto__]: y",
    "[click](//evil.example/x) [click](/v1/conversations) [click](#new) [click](\\\\evil.example)",
]

ENDLESS = {
    "blockquotes": "> " * 5000 + "deep",
    "nested lists": "".join(f"{'  ' * depth}- {depth}\n" for depth in range(300)),
    "a huge table": "|" + "a|" * 100 + "\n|" + "---|" * 100 + "\n" + ("|" + "b|" * 100 + "\n") * 100,
    "one long line": "word " * 20_000,
    "brackets": "[" * 5000 + "](" * 2000,
    "asterisks": "*a **b " * 500,
    "backticks": " ".join("`" * (number % 50 + 1) for number in range(1000)),
    "underscores": "_" * 3000 + "a" + "*" * 3000,
    "links": "[a](https://a.example/" * 2000,
    "one long word": "a" * 100_000,
    "dollars": "$x" * 5000 + " $" * 5000 + "$$" * 5000,
    "formulas that are not closed": "\\(x " * 5000 + "\\[y " * 5000,
    "deep formulas": "$" + "{" * 100_000 + "$ $" + "\\sqrt{" * 300 + "x" + "}" * 300 + "$ $" + "\\left(" * 500 + "$",
    "macros": "$\\def\\a{"
    + "x+" * 1500
    + "}"
    + "\\a" * 300
    + "$ $\\def\\b{\\b\\b}\\b$ $\\def\\a{aa}"
    + "\\edef\\a{\\a\\a}" * 25
    + "\\a$",
    "large formulas": "\n\n".join(["$$" + "x'+" * 1200 + "$$"] * 20),
    "matrices": "$$\\begin{matrix}" + "a&" * 1900 + "\\end{matrix}$$",
    "notes": "[^1] " * 1000 + "\n\n" + "[^1]: x\n" * 1000,
    "keys": "<kbd>" * 2000 + "</kbd>" * 2000 + "<sub>x</sub>" * 2000,
}
