"""What has to be so before a front or a worker of compose.yaml starts. Ends with 0, or with 2 and what to do.

Which Claude is asked: the simulated one while its service runs (`--profile simulate`), so that nobody who asked for it
pays; else the real one, with the key of ANTHROPIC_API_KEY or of the file that ANTHROPIC_API_KEY_FILE names. It is
written down beside the other files, for the processes that `start` begins: none has the key in its environment.

And that the fronts have a file of keys: at first with one that nobody has ever seen. So they start, and nobody comes in
before `docker compose run --rm keys add NAME`. Last, that they can start with what is set.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import subprocess
import sys
from pathlib import Path

UPSTREAM = Path("/var/lib/keepstream/upstream")
SECRET = Path("/run/secrets/anthropic_api_key")
JUDGE = ("/opt/keepstream/compose/start", "python", "/opt/keepstream/compose/judge.py")
SIMULATOR = ("simulate", 8100)
PATIENCE_SECONDS = 5.0
WRONG = 2

NO_CLAUDE = """\
There is no Claude to ask. Put ANTHROPIC_API_KEY=sk-ant-... into the file .env beside compose.yaml or into the
environment, or name a file that holds the key by ANTHROPIC_API_KEY_FILE; or try it without one:
docker compose --profile simulate up --wait
"""
UNREADABLE = """\
The file of ANTHROPIC_API_KEY_FILE cannot be read by the user 10001, as whom all of this runs. Make it readable
(chmod 644) in a folder that only you may enter (chmod 700).
"""
SHORT = """\
KEEPSTREAM_DRAIN_SECONDS is %g, but a container is killed after %g s: raise stop_grace_period in compose.yaml as well,
in both places where it says so.
"""


class WrongError(Exception):
    """What keeps all of it from starting, and what to do."""


def main() -> int:
    try:
        check_drain()
        say(find_claude())
        say(first_keys())
        judge()
    except WrongError as error:
        say(str(error))
        return WRONG
    return 0


def check_drain() -> None:
    with contextlib.suppress(ValueError):  # what is no number the processes say themselves
        drain, killed = (float(os.environ.get(name) or 0) for name in ("KEEPSTREAM_DRAIN_SECONDS", "STOP_SECONDS"))
        if drain >= killed:
            raise WrongError(SHORT % (drain, killed))


def find_claude() -> str:
    """Writes down which one is asked. Raises `WrongError` where there is none."""
    UPSTREAM.mkdir(mode=0o700, exist_ok=True)
    simulated, written = UPSTREAM / "simulated", UPSTREAM / "anthropic_api_key"
    key = os.environ.get("ANTHROPIC_API_KEY", "").strip()
    named = SECRET.exists() and not SECRET.is_char_device()
    for old in (simulated, written):
        old.unlink(missing_ok=True)
    if a_simulator_runs():
        simulated.write_text("http://{}:{}\n".format(*SIMULATOR))
        return "The simulated Claude is asked. Back to the real one: docker compose --profile simulate down, then up."
    if named:
        if not os.access(SECRET, os.R_OK):
            raise WrongError(UNREADABLE)
        return "Claude is asked, with the key of the file that ANTHROPIC_API_KEY_FILE names."
    if key:
        with os.fdopen(os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "w") as file:
            file.write(key)
        return "Claude is asked, with the key of ANTHROPIC_API_KEY."
    if base := os.environ.get("ANTHROPIC_BASE_URL", "").strip():
        return f"{base} is asked, without a key."
    raise WrongError(NO_CLAUDE)


def a_simulator_runs() -> bool:
    """Not only somebody of that name: it says on every answer that it is one."""
    asked = http.client.HTTPConnection(*SIMULATOR, timeout=PATIENCE_SECONDS)
    try:
        asked.request("GET", "/")
        return asked.getresponse().getheader("x-keepstream-simulated") is not None
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asked.close()


def first_keys() -> str:
    """Sees to it that there is a file of keys, where one is asked for."""
    named = os.environ.get("KEEPSTREAM_API_KEYS_FILE", "").strip()
    if not named:
        return "Who comes in is decided by tokens or by nobody: KEEPSTREAM_API_KEYS_FILE is empty."
    if Path(named).exists():
        return f"Who comes in is said in {named}: docker compose run --rm keys list"
    add = ["keepstream", "keys", "add", "nobody", "--file", named, "--label", "shown-to-nobody"]
    made = subprocess.run(add, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603
    if made.returncode != 0:
        raise WrongError(made.stderr)
    return "Nobody comes in yet. For a key: docker compose run --rm keys add alice"


def judge() -> None:
    """Raises `WrongError` with the words in which a front would refuse to start."""
    judged = subprocess.run(JUDGE, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603
    if judged.returncode != 0:
        raise WrongError(f"Something in .env cannot be used. {judged.stderr}")


def say(text: str) -> None:
    sys.stdout.write(f"{text.strip()}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
