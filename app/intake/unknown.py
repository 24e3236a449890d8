"""What is said of a field that nobody knows. Pure.

The rule: a refusal quotes nothing of what was sent. Who has misspelt a field is to see which one; but a name may be
anything, a whole prompt as well. So only what is spelt as fields are is told again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_SPELT = re.compile(r"[a-z][a-z_]{0,29}")


def unknown(name: str, known: Iterable[str], *, of: str = "", kind: str = "field") -> str:
    """The words of the error. `of` is the object that the field is in, if it is in one."""
    which = f"{of}.{name}" if of else name
    which = which if _SPELT.fullmatch(name) else of or "one of them"
    return f"{which}: unknown {kind}; known are {', '.join(known)}"
