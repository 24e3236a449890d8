"""The few files that the front serves, each at an address of its own, and the description.

The rule: always asked for again and rarely sent again (`no-cache` with an etag), so that a page and its modules are of
one version after an upgrade. No directory is served: what is not listed does not exist. A page may load and call
nothing but this server, and runs no script that stands in it. Our own modules and style sheets go out without what is
there for those alone who write them, and a library without the part that nobody calls; all else is served as it is.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import orjson
from rjsmin import jsmin
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.status import HTTP_200_OK

from app.settings import Settings

# What is served: the path, the file as seen from `app/web/`, and its media type.
HTML, _CSS, _JS = "text/html; charset=utf-8", "text/css; charset=utf-8", "text/javascript; charset=utf-8"
_CHAT = (
    *("conversation", "dom", "keys", "messages", "older", "pace", "scroll", "session", "settings", "sidebar", "words"),
    *(f"answer/{name}" for name in ("announce", "answer", "blocks", "cards", "foot", "note", "verdict", "versions")),
    *("asking/asked", "asking/branching", "asking/editing", "asking/keyed"),
    *(f"list/{name}" for name in ("doing", "finding", "palette", "roaming")),
    *("door/door", "door/forgetting", "door/opening", "door/outdated"),
    *(f"composing/{name}" for name in ("composer", "draft", "drafts", "files", "look", "model", "pasted", "pictures")),
    *("composing/refusals", "composing/tray", "composing/tuner", "composing/tuning"),
    *(f"menu/{name}" for name in ("doing", "panel", "settings", "toolbox")),
    *("markdown/highlight", "markdown/links", "markdown/markdown", "markdown/math", "markdown/rare"),
    *("markdown/shape", "markdown/tokens", "markdown/unfinished"),
)
_BOARD = (*("beside", "chart", "door", "flights", "lanes", "live", "opened", "streams", "tiles", "verdict", "words"),)
_LANGUAGES = (
    *("bash", "c", "css", "diff", "docker", "go", "html", "http", "ini", "java", "js", "jsdoc", "json", "lua", "make"),
    *("md", "pl", "py", "regex", "rs", "sql", "todo", "toml", "ts", "uri", "xml", "yaml"),
)
_VENDOR = (
    "marked",
    "mhchem",
    "temml",
    "speed-highlight/tokenize",
    *(f"speed-highlight/languages/{name}" for name in _LANGUAGES),
)
# What there is to read, each a file of Markdown in `app/docs/`: shown as a page, or as it is.
PAGES = (
    *("start", "clients", "delivery", "tools", "guarantees", "words", "settings", "access", "recipes", "operating"),
    *("sizing", "benchmarks", "architecture", "contributing", "findings", "changelog"),
)
FRONT_PAGE = PAGES[0]
MARKDOWN, PLAIN, JSON = "text/markdown; charset=utf-8", "text/plain; charset=utf-8", "application/json"
_PICTURES = {
    **dict.fromkeys(("board.png", "board-load.png", "board-phone.png", "board-terminal.png"), "image/png"),
    "board-worker.png": "image/png",
    "chat.png": "image/png",
    "dashboard.png": "image/png",
    "phone.png": "image/png",
    "resume.svg": "image/svg+xml",
    "stages.svg": "image/svg+xml",
    "terminal.png": "image/png",
    "tools.png": "image/png",
}
FILES = {
    "/": ("index.html", HTML),
    "/chat.css": ("chat.css", _CSS),
    "/chat.js": ("chat.js", _JS),
    "/cards.css": ("cards.css", _CSS),
    "/composing.css": ("composing.css", _CSS),
    **{f"/chat/{name}.js": (f"chat/{name}.js", _JS) for name in _CHAT},
    **{f"/vendor/{name}.js": (f"vendor/{name}.js", _JS) for name in _VENDOR},
    "/favicon.svg": ("favicon.svg", "image/svg+xml"),
    "/keepstream.js": ("../clients/js/keepstream.js", _JS),
    "/markdown.css": ("markdown.css", _CSS),
    "/math.css": ("math.css", _CSS),
    "/ops.css": ("ops.css", _CSS),
    "/ops.js": ("ops.js", _JS),
    **{f"/ops/{name}.js": (f"ops/{name}.js", _JS) for name in _BOARD},
    "/docs.js": ("docs.js", _JS),
    **{f"/docs/{name}.js": (f"docs/{name}.js", _JS) for name in ("calculator", "need")},
    "/docs.css": ("docs.css", _CSS),
    "/docs/api": ("api.html", HTML),
    "/api.js": ("api.js", _JS),
    "/api.css": ("api.css", _CSS),
    **{f"/docs/pictures/{name}": (f"../docs/pictures/{name}", kind) for name, kind in _PICTURES.items()},
}

# How much a client wants of a coding, as RFC 9110 has it.
_WEIGHT = re.compile(r"q=([01](?:\.[0-9]{0,3})?)", re.ASCII)
WEB = Path(__file__).parent.parent / "web"
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)


# Where a page or a module names another file of ours, and where the client for JavaScript says whom it asks.
_NAMED = re.compile(rb"""((?:\bfrom ?|\bimport\(|\bhref=|\bsrc=|\bhref: ?|\bfetch\()["'`])(?=/)""")
_BASE = b'base=""'
_REFRESHED = b"url=/docs/"
_MARGIN = re.compile(rb"\n\s+")
_PRESSED = (
    (re.compile(rb"/\*.*?\*/", re.DOTALL), b""),
    (re.compile(rb"\s*\n\s*"), b""),
    (re.compile(rb"\s*([{}])\s*|([;,])\s+"), rb"\1\2"),
    (re.compile(rb":\s+(?!;)"), b":"),
)


# Of `marked` the page has what reads; what would write HTML begins here and is not sent.
CUT = {"vendor/marked.js": (b"var y=class{options;parser;", b"export{x as Lexer,w as Tokenizer};\n")}


@cache
def _read(name: str, root_path: str) -> bytes:
    content = (WEB / name).read_bytes()
    if name in CUT:
        end, exports = CUT[name]
        content = content.partition(end)[0] + exports
    own = name.endswith(".js") and name.startswith(("chat", "ops", "../clients/"))
    content = _MARGIN.sub(b"\n", content) if name.endswith(".html") else content
    content = jsmin(content) if own else _pressed(content) if name.endswith(".css") else content
    return _under(content, root_path.encode()) if root_path and not name.startswith("vendor/") else content


@cache
def _shell_of(page: str, root_path: str) -> bytes:
    """What shows a page of the shelf, and leads who has no JavaScript to the file."""
    shell = _read("docs.html", root_path).replace(_REFRESHED, _REFRESHED.replace(b"/", b"%b/" % root_path.encode(), 1))
    return shell.replace(b"/docs/%b.md" % FRONT_PAGE.encode(), b"/docs/%b.md" % page.encode())


def _pressed(css: bytes) -> bytes:
    """A style sheet of ours. A property's empty value keeps its blank: without it older browsers see none."""
    for pattern, instead in _PRESSED:
        css = pattern.sub(instead, css)
    return css


def _under(content: bytes, root_path: bytes) -> bytes:
    """A file whose links lead to where a proxy shows us."""
    return _NAMED.sub(rb"\g<1>" + root_path, content).replace(_BASE, b'base="%b"' % root_path)


@cache
def _packed(body: bytes) -> bytes:
    return gzip.compress(body, 9, mtime=0)


class Page(StringConvertor):
    """A page of ours or its file, and nothing else: below a root path of that name there is all else that we serve."""

    regex = rf"(?:{'|'.join(PAGES)})(?:\.md)?"


register_url_convertor("page", Page())


def facts(settings: Settings) -> bytes:
    """What the chat page wants to know of a front before anybody has said who he is: nothing of it is anybody's."""
    return orjson.dumps(
        {"max_prompt_bytes": settings.max_prompt_bytes, "model": settings.model, "titles": bool(settings.titles)},
    )


def routes(root_path: str, made: Mapping[str, tuple[bytes, str]]) -> list[Route]:
    """Of a front that a proxy shows under `root_path`. `made`: what is no file, by its path, with its media type."""

    async def file(request: Request) -> Response:
        name, media_type = FILES[request.url.path]
        return _unless_known(request, _read(name, root_path), media_type)

    async def page(request: Request) -> Response:
        asked = request.path_params.get("page", FRONT_PAGE)
        name = asked.removesuffix(".md")
        if asked != name or _asks_for_markdown(request.headers.get("accept", "")):
            answer = _unless_known(request, _read(f"../docs/{name}.md", ""), MARKDOWN)
        else:
            answer = _unless_known(request, _shell_of(name, root_path), HTML)
        answer.headers["vary"] = "accept, accept-encoding"
        return answer

    async def one_made(request: Request) -> Response:
        return _unless_known(request, *made[request.url.path])

    return [
        *(Route(path, one_made, methods=["GET"]) for path in made),
        *(Route(path, file, methods=["GET"]) for path in FILES),
        *(Route(path, page, methods=["GET"]) for path in ("/docs", "/docs/{page:page}")),
    ]


def board(request: Request, root_path: str, status: int = HTTP_200_OK) -> Response:
    """The operators' page; whether who asks may see what it shows is not for us to say, but for the `status`."""
    return _unless_known(request, _read("ops.html", root_path), HTML, status)


def _unless_known(request: Request, body: bytes, media_type: str, status: int = HTTP_200_OK) -> Response:
    headers = {"cache-control": "no-cache", "x-content-type-options": "nosniff", "vary": "accept-encoding"}
    packed = _takes_gzip(request.headers.get("accept-encoding", ""))
    if media_type.startswith("text/html"):
        headers |= {"content-security-policy": CONTENT_SECURITY_POLICY, "referrer-policy": "no-referrer"}
    if status == HTTP_200_OK:
        headers["etag"] = f'"{hashlib.sha256(body).hexdigest()[:32]}{"-gzip" if packed else ""}"'
        known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
        if headers["etag"] in known or "*" in known:
            return Response(status_code=304, headers=headers)
    else:
        headers["cache-control"] = "no-store"  # what was refused once may be let in the next time
    if packed:
        body, headers["content-encoding"] = _packed(body), "gzip"
    return Response(body, status, headers, media_type)


def _takes_gzip(accepted: str) -> bool:
    """Whether an `Accept-Encoding` names gzip (or anything) and does not refuse it."""
    for item in accepted.lower().split(","):
        coding, _, weight = item.replace(" ", "").partition(";")
        if coding in ("gzip", "*"):
            return not weight or ((match := _WEIGHT.fullmatch(weight)) is not None and bool(match[1].strip("0.")))
    return False


def _asks_for_markdown(accept: str) -> bool:
    """Whether an `Accept` names Markdown, and no page."""
    kinds = {item.partition(";")[0].strip() for item in accept.lower().split(",")}
    return "text/markdown" in kinds and "text/html" not in kinds
