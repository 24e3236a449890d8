from __future__ import annotations

import pytest

from app.access.limits.allowance import Allowance, Granted
from app.access.limits.asked import Asked
from app.access.limits.may import check
from app.access.limits.not_allowed import NotAllowedError

ASKED = Asked("claude-secret", 100, ("beta-secret", "beta-b"), server_tools=True, fast=False, body=b"")


@pytest.mark.parametrize(
    "allowance",
    [
        Allowance(),
        Allowance(models=(("claude-*",),)),
        Allowance(max_tokens=100),
        Allowance(betas=(("beta-*",),)),
        Allowance(betas=(("*",),)),
        Allowance(server_tools=True),
    ],
)
def test_what_is_allowed_passes(allowance: Allowance) -> None:
    check(Granted((("a", allowance), ("a/u", Allowance()))), ASKED)


@pytest.mark.parametrize(
    ("allowance", "told"),
    [
        (Allowance(models=(("a-*", "b"), ("c",))), r"^model: .*\(models: a-\*, b and c\)$"),
        (Allowance(models=((),)), r"^model: .*\(models: none\)$"),
        (Allowance(max_tokens=99), r"^max_tokens: .*\(max_tokens: 99\)$"),
        (Allowance(betas=(("beta-b",),)), r"^anthropic-beta: .*\(betas: beta-b\)$"),
        (Allowance(server_tools=False), r"^tools: .*\(server_tools: false\)$"),
    ],
)
def test_what_is_not_is_named_with_what_is_allowed_and_nothing_is_quoted(allowance: Allowance, told: str) -> None:
    for granted in (Granted((("a", allowance),)), Granted((("a", Allowance()), ("a/u", allowance)))):
        with pytest.raises(NotAllowedError, match=told) as error:
            check(granted, ASKED)
        assert "secret" not in str(error.value)
