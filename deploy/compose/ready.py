"""The health check of compose.yaml's containers: whether this path on this port of its own answers with 200.

    ready.py 8000 /readyz

Not by urllib, which would ask the proxy of HTTP_PROXY for this very container.
"""

from __future__ import annotations

import http.client
import sys

PATIENCE_SECONDS = 3.0


def main(port: str, path: str) -> int:
    asked = http.client.HTTPConnection("127.0.0.1", int(port), timeout=PATIENCE_SECONDS)
    try:
        asked.request("GET", path)
        answer = asked.getresponse()
        said = answer.read(500).decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        answer, said = None, f"{type(error).__name__}: {error}"
    if answer is None or answer.status != http.client.OK:
        sys.stdout.write(f"{said}\n")  # `docker inspect` shows it
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
