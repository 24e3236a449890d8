"""What is said to a prompt, and how it falls into tokens.

Everything is a function of the messages alone: the same conversation has the same answer, so that a test can say
beforehand what must arrive. Pure; knows nothing of events, pace or HTTP.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle, islice
from typing import Any

from app.dev.simulator.answer.hostile import HOSTILE
from app.dev.simulator.answer.texts import OTHERWISE, TEXTS
from app.dev.simulator.directives import Directives, parse, without

# One alternative for each kind of character, so that every text is the sum of its pieces.
_PIECE = re.compile(r" ?[^\W_]{1,6}|\n+|[^\S\n]{1,6}|[^\w\s]{1,3}|_")
# How a question begins, before what it is about; and so much of that is said again.
_LEAD = re.compile(
    r"\A(?:please |(?:can|could|would) you )?(?:tell (?:me|us) (?:more |something )?about|explain(?: to me)?|describe|"
    r"what (?:is|are|was|were)|who (?:is|was)|give me|show me|say something about)\s+(?:the |an? )?",
    re.IGNORECASE,
)
SUBJECT_LENGTH = 60


def answer_for(messages: Sequence[Mapping[str, Any]]) -> str:
    """The full text that answers these messages, its directives included, if nothing cuts it short."""
    return "".join(answer_pieces(messages, parse(directive_text(messages))))


def pieces(text: str) -> list[str]:
    """`text` in token-like pieces of one to about six characters; their sum is `text`."""
    return _PIECE.findall(text)


def answer_pieces(messages: Sequence[Mapping[str, Any]], asked: Directives) -> list[str]:
    """The answer's pieces: one is one token."""
    found = pieces(_answer(messages, asked))
    if asked.tokens is not None:
        found = list(islice(cycle([*found, "\n\n"]), asked.tokens))
    if asked.big_delta is not None:
        found = [_of_size(asked.big_delta), *found]
    return found


def last_text(messages: Sequence[Mapping[str, Any]]) -> str:
    """The text of the last user message: what faults are counted by."""
    return _text(_last_user(messages))


def directive_text(messages: Sequence[Mapping[str, Any]]) -> str:
    """Where directives are looked for: in the last user message, unless it only brings the result of a tool."""
    return "" if tool_results(messages) and not last_text(messages) else last_text(messages)


def asking_text(messages: Sequence[Mapping[str, Any]]) -> str:
    """The text of the last user message that has any: what set a loop of tool calls going."""
    texts = (_text(message) for message in reversed(messages) if message.get("role") == "user")
    return next((text for text in texts if text), "")


def tool_results(messages: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The tool_result blocks of the last user message."""
    return [block for block in _blocks(_last_user(messages)) if block.get("type") == "tool_result"]


def tool_rounds(messages: Sequence[Mapping[str, Any]]) -> int:
    """How many messages brought nothing but tool results since somebody last said something."""
    rounds = 0
    for message in reversed(messages):
        if message.get("role") == "user":
            if _text(message):
                return rounds + bool(tool_results([message]))
            rounds += bool(tool_results([message]))
    return rounds


def _answer(messages: Sequence[Mapping[str, Any]], asked: Directives) -> str:
    if asked.text is not None:
        return asked.text
    if asked.hostile:
        return HOSTILE
    if results := tool_results(messages):
        return _tool_answer(messages, results)
    prompt = without(last_text(messages))
    return _remark(messages) + _picked(prompt)


def _picked(prompt: str) -> str:
    words = prompt.lower()
    for text in TEXTS:
        if any(re.search(rf"\b{re.escape(keyword)}s?\b", words) for keyword in text.keywords):
            return text.markdown
    subject = _subject(prompt)
    return OTHERWISE.replace("{title}", subject[:1].upper() + subject[1:]).replace("{subject}", subject)


def _subject(prompt: str) -> str:
    """What a question is about, in plain words: what was asked may be anything, and stands in Markdown."""
    first = re.split(r"[\n?!:;]|\.\s", prompt.strip(), maxsplit=1)[0]
    words = re.sub(r"[^\w\s,'-]|_", " ", _LEAD.sub("", first)).split()
    subject = ""
    for word in words:
        if len(subject) + len(word) >= SUBJECT_LENGTH:
            break
        subject += f" {word}"
    return subject.strip(" ,'-") or "this"


def _remark(messages: Sequence[Mapping[str, Any]]) -> str:
    """A sentence that shows that the earlier turns and the attachments were seen."""
    questions = [without(_text(message)) for message in messages[:-1] if message.get("role") == "user"]
    questions = [" ".join(question.split()) for question in questions if question]
    attached = [block.get("type") for block in _blocks(_last_user(messages))]
    named = [kind for kind in ("image", "document") if kind in attached]
    remark = ""
    if questions:
        earlier = f"{questions[-1][:60]}…" if len(questions[-1]) > 60 else questions[-1]  # noqa: PLR2004 one line's worth
        remark += f"You asked *“{earlier}”* before ({len(questions)} earlier so far), so let me go on from there.\n\n"
    if named:
        remark += f"Thank you for the {' and the '.join(named)}. I cannot see, I only simulate.\n\n"
    return remark


def _tool_answer(messages: Sequence[Mapping[str, Any]], results: Iterable[Mapping[str, Any]]) -> str:
    names = {block.get("id"): block.get("name") for message in messages for block in _blocks(message)}
    parts = []
    for result in results:
        name = names.get(result.get("tool_use_id")) or "tool"
        content = result.get("content") or ""
        said = content if isinstance(content, str) else "\n".join(_texts(content))
        quoted = "\n".join(f"> {line}" for line in said.splitlines() or ["(nothing)"])
        verb = "failed and said" if result.get("is_error") else "says"
        parts.append(f"The tool `{name}` {verb}:\n\n{quoted}\n")
    return "\n".join([*parts, "That is the whole of it. ✅\n"])


def _of_size(size: int) -> str:
    """ASCII words of exactly `size` characters, with line breaks, so that a page can wrap them."""
    line = "a delta of a great many bytes, in ordinary words that a page can wrap as it likes\n"
    return (line * (size // len(line) + 1))[:size]


def _last_user(messages: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    return next((message for message in reversed(messages) if message.get("role") == "user"), {})


def _blocks(message: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    content = message.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [block for block in content or () if isinstance(block, Mapping)]


def _text(message: Mapping[str, Any]) -> str:
    return "\n".join(_texts(_blocks(message)))


def _texts(blocks: Iterable[Mapping[str, Any]]) -> list[str]:
    return [str(block["text"]) for block in blocks if block.get("type") == "text" and block.get("text")]
