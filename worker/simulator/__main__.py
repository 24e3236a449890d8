"""`python -m worker.simulator` is `keepstream simulate`."""

import sys

from worker.simulator.command import main

sys.exit(main())
