"""`python -m app.dev.simulator` is `keepstream simulate`."""

import sys

from app.dev.simulator.command import main

sys.exit(main())
