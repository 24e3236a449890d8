from __future__ import annotations

import json

import pytest

from worker.tools.running.redacted import Redactor, secrets_in

ENVIRONMENT = {
    "ANTHROPIC_API_KEY": "sk-ant-api03-abc",
    "REDIS_URL": "redis://me:p%40ssword@redis:6379/0",
    "KEEPSTREAM_JWT_SECRET": "jwt-secret-abc",
    "KEEPSTREAM_JWT_SECRET_FILE": "/run/secrets/jwt",
    "GITHUB_PAT": "ghp_abcdef",
    "Authorization": "Bearer tok-123456",
    "X-Api-Key": "x-key-123456",
    "PASSWORD": "abc",
    "PATH": "/usr/bin:/bin",
    "HOME": "/home/ann",
    "KEYBOARD": "german-keys",
}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("key sk-ant-api03-abc refused", "key [redacted] refused"),
        ("Cannot connect to redis://me:p%40ssword@redis:6379/0", "Cannot connect to redis://[redacted]@redis:6379/0"),
        ("password p@ssword is wrong", "password [redacted] is wrong"),
        ("jwt-secret-abc", "[redacted]"),
        ("ghp_abcdef", "[redacted]"),
        ("header Bearer tok-123456; tok-123456", "header [redacted]; [redacted]"),
        ("x-key-123456", "[redacted]"),
        ("https://anybody:theirs@example.com/a?b", "https://[redacted]@example.com/a?b"),
        ("abc, /run/secrets/jwt, /usr/bin:/bin, german-keys", "abc, /run/secrets/jwt, /usr/bin:/bin, german-keys"),
        ("mail ann@example.com", "mail ann@example.com"),
    ],
)
def test_secrets_of_the_process_are_told_nobody(said: str, told: str) -> None:
    assert Redactor(secrets_in(ENVIRONMENT))(said) == told


def test_of_content_blocks_only_what_they_say_is_looked_at() -> None:
    image = {"type": "image", "source": {"type": "url", "url": "http://host"}}
    said = [image, {"type": "text", "text": "ann@example.com, not text or \ud83d 4711-secret"}]
    redact = Redactor(["source", "image", "4711-secret"])
    assert json.loads(redact.content(json.dumps(said).encode())) == [
        image, {"type": "text", "text": "ann@example.com, not text or \ud83d [redacted]"}
    ]  # fmt: skip
    assert redact.content(b'"4711-secret"') == b'"[redacted]"'


def test_without_secrets_only_addresses_are_looked_at() -> None:
    assert Redactor()("a http://b:c@d/ e") == "a http://[redacted]@d/ e"


def test_a_large_text_takes_no_longer_than_it_is_long() -> None:
    for text in ("x" * 1_000_000, "://" * 300_000, "a://" + "b" * 1_000_000):
        assert Redactor(secrets_in(ENVIRONMENT))(text) == text
