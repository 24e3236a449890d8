"""What is said to a prompt, and how it falls into tokens.

Everything is a function of the messages alone: the same conversation has the same answer, so that a test can say
beforehand what must arrive. Pure; knows nothing of events, pace or HTTP.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle, islice
from typing import Any

from app.dev.simulator.answer.hearing import blocks, directive_text, last_user, text, texts, told
from app.dev.simulator.answer.words.hostile import HOSTILE
from app.dev.simulator.answer.words.texts import OTHERWISE, TEXTS
from app.dev.simulator.directives import Directives
from app.dev.simulator.prompts import parse, without

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
    words, turn = directive_text(messages)
    return "".join(answer_pieces(messages, parse(words, turn=turn)))


def pieces(words: str) -> list[str]:
    """`words` in token-like pieces of one to about six characters; their sum is `words`."""
    return _PIECE.findall(words)


def answer_pieces(messages: Sequence[Mapping[str, Any]], asked: Directives) -> list[str]:
    """The answer's pieces: one is one token."""
    found = pieces(_answer(messages, asked))
    if asked.tokens is not None:
        found = list(islice(cycle([*found, "\n\n"]), asked.tokens))
    if asked.big_delta is not None:
        found = [_of_size(asked.big_delta), *found]
    return found


def _answer(messages: Sequence[Mapping[str, Any]], asked: Directives) -> str:
    if asked.text is not None:
        return asked.text
    if asked.hostile:
        return HOSTILE
    if results := told(messages):
        return _tool_answer(results, tell=asked.tell)
    prompt = without(text(last_user(messages)))
    return _remark(messages) + _picked(prompt)


def _picked(prompt: str) -> str:
    words = prompt.lower()
    for one in TEXTS:
        if any(re.search(rf"\b{re.escape(keyword)}s?\b", words) for keyword in one.keywords):
            return one.markdown
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
    questions = [without(text(message)) for message in messages[:-1] if message.get("role") == "user"]
    questions = [" ".join(question.split()) for question in questions if question]
    attached = [block.get("type") for block in blocks(last_user(messages))]
    named = [kind for kind in ("image", "document") if kind in attached]
    remark = ""
    if questions:
        earlier = f"{questions[-1][:60]}…" if len(questions[-1]) > 60 else questions[-1]  # noqa: PLR2004 one line's worth
        remark += f"You asked *“{earlier}”* before ({len(questions)} earlier so far), so let me go on from there.\n\n"
    if named:
        remark += f"Thank you for the {' and the '.join(named)}. I cannot see, I only simulate.\n\n"
    return remark


def _tool_answer(results: Iterable[Mapping[str, Any]], *, tell: bool) -> str:
    if tell:
        return json.dumps(list(results), ensure_ascii=False)
    parts = []
    for result in results:
        content = result["content"] or ""
        said = content if isinstance(content, str) else "\n".join(texts(content))
        quoted = "\n".join(f"> {line}" for line in said.splitlines() or ["(nothing)"])
        verb = "failed and said" if result["is_error"] else "says"
        parts.append(f"The tool `{result['name'] or 'tool'}` {verb}:\n\n{quoted}\n")
    return "\n".join([*parts, "That is the whole of it. ✅\n"])


def _of_size(size: int) -> str:
    """ASCII words of exactly `size` characters, with line breaks, so that a page can wrap them."""
    line = "a delta of a great many bytes, in ordinary words that a page can wrap as it likes\n"
    return (line * (size // len(line) + 1))[:size]
