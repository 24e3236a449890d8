"""Whether a front of compose.yaml could start with what it is given: its settings, and the files that they name.

Ends with 0, or with 2 and what is wrong. A front would say the same: but again and again, while `docker compose up
--wait` waits for it for ever.
"""

from __future__ import annotations

import os
import sys

from app.access.closed import check_closed
from app.main import Files
from app.settings import Settings, SettingsError

EVERYWHERE = "0.0.0.0"  # noqa: S104  # within its network


def main() -> int:
    try:
        settings = Settings.from_env(os.environ)
        check_closed(settings, EVERYWHERE)
        Files.of(settings)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
