"""The streams that the official SDK's own tests were recorded with: read from its source distribution, never copied."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path

import pytest

DOWNLOAD_SECONDS = 300
PLACES = ("/tests/lib/streaming/fixtures/", "/tests/fixtures/")
ENDINGS = (".txt", ".sse")


def recorded_streams(directory: Path) -> dict[str, bytes]:
    """Name and bytes of each, downloaded into `directory`; the test that asks is skipped where that cannot be."""
    name = f"anthropic-{version('anthropic')}.tar.gz"
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests may run in several processes
        if not (directory / name).exists():
            _download(directory)
    with tarfile.open(directory / name) as archive:
        members = [m for m in archive if m.name.endswith(ENDINGS) and any(place in m.name for place in PLACES)]
        return {Path(member.name).name: _read(archive, member) for member in members}


def _download(directory: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    found = str(uv) if uv.exists() else shutil.which("uv")
    assert found is not None, "uv is one of the development dependencies"
    pip = [found, "run", "--quiet", "--no-project", "--isolated", "--with", "pip", "python", "-m", "pip", "download"]
    asked = ["--quiet", "--no-deps", "--no-binary", "anthropic", f"anthropic=={version('anthropic')}"]
    done = subprocess.run(
        [*pip, *asked, "--dest", str(directory)],
        check=False,
        capture_output=True,
        text=True,
        timeout=DOWNLOAD_SECONDS,
    )
    if done.returncode:
        reason = (done.stderr.strip() or "no reason given").splitlines()[-1]
        pytest.skip(f"the SDK's source distribution cannot be downloaded: {reason}")


def _read(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    assert file is not None
    return file.read()
