"""The screen of the story of what nobody tells: it refuses and fails with what it was shown in its words."""

from __future__ import annotations

from app.access.screens import Metadata, Refusal, ScreenedPrompt

NOT_HERE, CANNOT = "refuse-this", "fail-at-this"
REASON = "for_who_watches"


async def screen(prompt: ScreenedPrompt) -> Refusal | Metadata | None:
    said = " ".join(prompt.texts)
    if NOT_HERE in said:
        return Refusal("that is not for here", reason=REASON)
    if CANNOT in said:
        raise ValueError(f"cannot read {said!r} of {prompt}")
    return None
