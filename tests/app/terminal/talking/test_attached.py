"""Files by their paths: each becomes a block, or there is a sentence that says why not."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from app.terminal.talking import attached
from app.terminal.talking.attached import RefusedFileError, attach, path_in

ROOM = 10_000_000
PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)
PDF = b"junk %PDF-1.7\n" + bytes([255, 0, 1])


@pytest.mark.parametrize(
    ("name", "data", "kind", "media"),
    [
        ("a.txt", "Größe\n".encode(), "document", "text/plain"),
        ("notes", "\ufeffwith a mark".encode(), "document", "text/plain"),
        ("wide.csv", "a;b\n".encode("utf-16"), "document", "text/plain"),
        ("said to be text.txt", PNG, "image", "image/png"),
        ("p", b"\xff\xd8\xff\xe0" + bytes(9), "image", "image/jpeg"),
        ("p", b"GIF89a" + bytes(9), "image", "image/gif"),
        ("p", b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image", "image/webp"),
        ("paper.bin", PDF, "document", "application/pdf"),
    ],
)
def test_what_is_in_it_says_what_it_is(tmp_path: Path, name: str, data: bytes, kind: str, media: str) -> None:
    (tmp_path / name).write_bytes(data)
    found = attach(tmp_path / name, ROOM)
    source = found.block["source"]
    assert (found.block["type"], source["media_type"], found.size) == (kind, media, len(data))
    if source["type"] == "base64":
        assert base64.b64decode(source["data"]) == data
    assert found.block.get("title") == (name if kind == "document" else None)


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("none", None, "cannot be read: No such file"),
        ("empty", b" \n", "is empty"),
        ("letter.docx", b"PK\x03\x04\xff\x00", "Save it as PDF or as text"),
        ("all.zip", b"PK\x03\x04\xff\x00", "Unpack it"),
        ("song.mp3", b"ID3\xff\x00", "Pictures"),
        ("nul.txt", b"a\x00b", "cannot be sent"),
    ],
)
def test_what_cannot_go_along_is_named_with_the_reason(
    tmp_path: Path, name: str, data: bytes | None, says: str
) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(RefusedFileError) as refused:
        attach(tmp_path / name, ROOM)
    assert f"“{name}”" in str(refused.value)
    assert says in str(refused.value)


def test_what_is_no_file_is_not_opened_for_long(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", Path(os.devnull)):
        with pytest.raises(RefusedFileError, match=r"is a folder|is no file"):
            attach(path, ROOM)


def test_limits_are_told_in_megabytes_before_anything_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "photo.png").write_bytes(PNG + bytes(4_000_000))
    with pytest.raises(RefusedFileError, match=r"is too large: 4\.0 MB\. A picture can have 3\.7 MB"):
        attach(tmp_path / "photo.png", ROOM)
    (tmp_path / "book.txt").write_bytes(b"x" * 9_000_000)
    with pytest.raises(RefusedFileError, match=r"is too large: 9\.0 MB\. There is room for 7\.5 MB"):
        attach(tmp_path / "book.txt", ROOM)
    with pytest.raises(RefusedFileError, match=r"There is room for 0\.1 kB"):
        attach(tmp_path / "book.txt", -5)
    monkeypatch.setattr(attached, "PICTURE_BYTES", 5_000_000)
    assert attach(tmp_path / "photo.png", ROOM).cost > 4_000_000 * 4 / 3


@pytest.mark.parametrize(
    ("typed", "path"),
    [("a.txt", "a.txt"), ("my\\ file.txt", "my file.txt"), ("'my file.txt'", "my file.txt"), ("my file.txt",) * 2],
)
def test_a_path_is_what_was_typed_or_dropped(typed: str, path: str) -> None:
    assert path_in(typed) == Path(path)
    assert path_in("~/x") == Path.home() / "x"
    assert path_in("it's.txt") == Path("it's.txt")
