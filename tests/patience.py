"""How long a test waits for what others do, before it says that it did not come.

The rule: nothing is measured by it. It is far above what anything here takes, on a machine that is three times slower
as well, and below pytest's own limit: the test that waits says for what.
"""

from __future__ import annotations

PATIENCE = 90.0
