"""Whether a caller may ask this at all: models, the length of an answer, betas, and tools that Anthropic runs.

Pure. The rule: what is refused is named, with what is allowed instead; of what was asked nothing is quoted.
"""

from __future__ import annotations

from collections.abc import Iterable

from app.access.limits.allowance import Allowance, Granted, Patterns, matches
from app.access.limits.asked import Asked
from app.access.limits.not_allowed import NotAllowedError


def check(granted: Granted, asked: Asked) -> None:
    """Raises `NotAllowedError`."""
    for allowance in granted.allowances:
        _check(allowance, asked)


def _check(allowance: Allowance, asked: Asked) -> None:
    if not matches(asked.model, allowance.models):
        raise NotAllowedError(f"model: none of those that you may use (models: {_named(allowance.models)})")
    if allowance.max_tokens is not None and asked.max_tokens > allowance.max_tokens:
        raise NotAllowedError(f"max_tokens: more than you may ask for (max_tokens: {allowance.max_tokens})")
    if not all(matches(beta, allowance.betas) for beta in asked.betas):
        raise NotAllowedError(f"anthropic-beta: none of those that you may use (betas: {_named(allowance.betas)})")
    if allowance.server_tools is False and asked.server_tools:
        raise NotAllowedError("tools: those that Anthropic runs are not for you (server_tools: false)")


def _named(lists: Patterns) -> str:
    return " and ".join(_one_of(patterns) for patterns in lists)


def _one_of(patterns: Iterable[str]) -> str:
    return ", ".join(patterns) or "none"
