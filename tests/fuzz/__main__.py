"""Coverage-guided fuzzing of what reads a stranger's bytes: `make fuzz SECONDS=60`, or `python -m tests.fuzz sse ids`.

The rule: a target is a module with a `check`, which raises for what must not be; the seconds are divided among them.
What breaks one is left in `.fuzz/`, and the exit status is 1. `--keep` puts what was found into the corpus, as far as
it shows what nothing smaller shows; `--replay sse FILE` checks one input, also without atheris.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz.corpus import LENGTH_MAX, ROOT, TARGETS, check_of, inputs_of, keep, lay_out

BROKEN = ROOT / ".fuzz"
# One input takes so long only where something does not end.
INPUT_SECONDS = 20
MEGABYTES = 2048


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("targets", nargs="*", choices=[*TARGETS, []], help="all, if none is named")
    parser.add_argument("--seconds", type=float, default=60, help="for all of them together")
    parser.add_argument("--keep", action="store_true", help="put what was found into the corpus")
    parser.add_argument("--replay", nargs=2, metavar=("TARGET", "FILE"), help="check one input")
    options = parser.parse_args(argv)
    if options.replay:
        target, file = options.replay
        check_of(target)(Path(file).read_bytes())
        return 0
    targets = options.targets or TARGETS
    broken = [one for one in targets if not fuzz(one, options.seconds / len(targets), keeps=options.keep)]
    say(f"fuzz: {len(targets) - len(broken)} of {len(targets)} targets stand")
    return 1 if broken else 0


def fuzz(target: str, seconds: float, *, keeps: bool = False, into: Path = BROKEN) -> bool:
    """Whether nothing broke it for so long. What did is left in `into`."""
    into.mkdir(exist_ok=True)
    before = set(into.glob(f"{target}-*"))
    with tempfile.TemporaryDirectory() as scratch:
        known, found, kept, script = (Path(scratch) / name for name in ("known", "found", "kept", "again"))
        lay_out(inputs_of(target), known)
        lay_out(inputs_of(target), kept)
        found.mkdir()
        bounds = (f"-max_len={LENGTH_MAX}", f"-timeout={INPUT_SECONDS}", f"-rss_limit_mb={MEGABYTES}")
        say(f"fuzz: {target}, {seconds:.0f} s")
        how = (*bounds, f"-max_total_time={max(1, round(seconds))}", f"-artifact_prefix={into}/{target}-")
        stands = _run(target, script, *how, "-print_final_stats=1", str(found), str(known))
        if keeps and _run(target, script, *bounds, "-merge=1", str(kept), str(found)):
            keep(target, [file.read_bytes() for file in kept.iterdir()])
    for file in sorted(set(into.glob(f"{target}-*")) - before):
        say(f"fuzz: {target} is broken by {file}; again: python -m tests.fuzz --replay {target} {file}")
    return stands


def _run(target: str, script: Path, *options: str) -> bool:
    command = [sys.executable, "-m", "tests.fuzz.one", target, str(script), *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False)
    told = done.stderr.splitlines()
    for line in told:
        if line.startswith("stat::number_of_executed_units"):
            say(f"fuzz: {target}, {line.split()[-1]} inputs")
    if done.returncode:
        say("\n".join([*done.stdout.splitlines()[-40:], *told[-25:]]))
    return not done.returncode


def say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
