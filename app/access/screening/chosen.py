"""Which code looks at prompts: a name of Python's, found when a front starts and never again.

The rule: what cannot be called as a screen ends the start, in one line that names the setting.
"""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from typing import Any

from app.access.screens import Screen, patterns
from app.settings import Settings, SettingsError

_NAME = "KEEPSTREAM_SCREEN"


def chosen(settings: Settings) -> Screen | None:
    """The screen that the settings name, if they do. Raises `SettingsError`."""
    if settings.screen is None:
        if settings.screen_patterns is not None:
            raise SettingsError(f"KEEPSTREAM_SCREEN_PATTERNS is for {_NAME}=app.access.screens:patterns: set that, too")
        return None
    found = _find(settings.screen)
    if found is patterns:  # which makes one
        made: Screen = patterns(settings)
        return made
    if not _is_async(found):
        raise SettingsError(f"{_NAME}: {settings.screen} is no `async def` that takes a ScreenedPrompt")
    screen: Screen = found
    return screen


def _find(target: str) -> Any:
    match = re.fullmatch(r"([A-Za-z_][\w.]*):([A-Za-z_]\w*)", target)
    if match is None:
        raise SettingsError(f"{_NAME} must be package.module:function, not {target!r}")
    try:
        module = import_module(match[1])
    except Exception as error:  # whatever somebody's module does
        raise SettingsError(f"{_NAME}: cannot import {match[1]}: {type(error).__name__}: {error}") from error
    try:
        return getattr(module, match[2])
    except AttributeError:
        raise SettingsError(f"{_NAME}: there is no {match[2]} in {match[1]}") from None


def _is_async(found: Any) -> bool:
    """Whether a call of it can be awaited: a function's, or an object's."""
    call = None if inspect.isclass(found) else getattr(type(found), "__call__", None)  # noqa: B004  # its class has it
    return inspect.iscoroutinefunction(found) or inspect.iscoroutinefunction(call)
