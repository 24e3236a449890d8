from __future__ import annotations

from pathlib import Path

import pytest

from app.settings import Settings, SettingsError, variable_of, variables


def test_an_empty_environment_gives_the_defaults() -> None:
    assert Settings.from_env({}) == Settings()


def test_an_empty_value_is_no_value() -> None:
    assert Settings.from_env(dict.fromkeys(variables(), "  ")) == Settings()


def test_well_known_variables_keep_their_names_and_ours_have_a_prefix() -> None:
    assert variable_of("redis_url") == "REDIS_URL"
    assert variable_of("lease_seconds") == "KEEPSTREAM_LEASE_SECONDS"


def test_every_setting_can_be_set() -> None:
    changed = {
        "REDIS_URL": "rediss://redis.example:6380/1",
        "ANTHROPIC_API_KEY": "key",
        "ANTHROPIC_BASE_URL": "https://gateway.example",
        "KEEPSTREAM_HOST": "0.0.0.0",  # noqa: S104  # only read
        "KEEPSTREAM_PORT": "9000",
        "KEEPSTREAM_MODEL": "another-model",
        "KEEPSTREAM_MAX_TOKENS": "100",
        "KEEPSTREAM_WORKER_STREAMS": "7",
        "KEEPSTREAM_WORKER_BYTES": "7000000",
        "KEEPSTREAM_QUEUE_LIMIT": "8",
        "KEEPSTREAM_QUEUE_BYTES": "8000",
        "KEEPSTREAM_MAX_ATTEMPTS": "9",
        "KEEPSTREAM_RETRY_WAIT_MAX": "1.5",
        "KEEPSTREAM_LEASE_SECONDS": "2.5",
        "KEEPSTREAM_STALL_TIMEOUT": "3.5",
        "KEEPSTREAM_SILENT_TIMEOUT": "3.75",
        "KEEPSTREAM_STREAM_SECONDS_MAX": "4.5",
        "KEEPSTREAM_STREAM_TTL": "5.5",
        "KEEPSTREAM_MAX_PROMPT_BYTES": "6000",
        "KEEPSTREAM_MAX_LOG_BYTES": "7000",
        "KEEPSTREAM_DRAIN_SECONDS": "0",
        "KEEPSTREAM_API_KEYS_FILE": "/etc/keys",
        "KEEPSTREAM_AUTH": "none",
        "KEEPSTREAM_LIMITS_FILE": "/etc/limits.toml",
        "KEEPSTREAM_PRICES_FILE": "/etc/prices.toml",
        "KEEPSTREAM_JWT_SECRET": "secret",
        "KEEPSTREAM_JWT_JWKS": "/etc/jwks.json",
        "KEEPSTREAM_JWT_ISSUER": "https://idp.example",
        "KEEPSTREAM_JWT_AUDIENCE": "keepstream, relay",
        "KEEPSTREAM_JWT_ALGORITHMS": "RS256 ES256",
        "KEEPSTREAM_JWT_OWNER_CLAIM": "email",
        "KEEPSTREAM_BODIES_BYTES": "70000",
        "KEEPSTREAM_TICKET_SECRET": "a secret",
        "KEEPSTREAM_TICKET_SECONDS": "60.5",
        "KEEPSTREAM_HOSTS": "relay.example [fd00::1]",
        "KEEPSTREAM_ROOT_PATH": "/relay/",
        "KEEPSTREAM_CORS_ORIGINS": "https://a.example, https://b.example",
        "KEEPSTREAM_TRUSTED_PROXIES": "10.0.0.0/8",
        "KEEPSTREAM_CONNECTIONS_MAX": "300",
        "KEEPSTREAM_APPROVAL_SECONDS": "600",
        "KEEPSTREAM_SCREEN": "screens:strict",
        "KEEPSTREAM_SCREEN_SECONDS": "0.5",
        "KEEPSTREAM_SCREEN_PATTERNS": "/etc/patterns",
        "KEEPSTREAM_TLS_CERT": "/etc/cert.pem",
        "KEEPSTREAM_TLS_KEY": "/etc/key.pem",
        "KEEPSTREAM_LOG_LEVEL": "DEBUG",
        "KEEPSTREAM_LOG_FORMAT": "Json",
        "KEEPSTREAM_TIMELINE": "OFF",
        "KEEPSTREAM_METRICS_PORT": "9100",
        "KEEPSTREAM_METRICS_HOST": "10.0.0.7",
        "KEEPSTREAM_CHAT_MODELS": "one-model another-model",
        "KEEPSTREAM_CHAT_FIELDS": "max_tokens",
        "KEEPSTREAM_CHAT_SYSTEM": "Be brief.",
        "KEEPSTREAM_TOOLS": "shop.tools, shop.mail",
        "KEEPSTREAM_MCP": "/etc/mcp.json",
        "KEEPSTREAM_USAGE_DAYS": "31",
        "KEEPSTREAM_CACHE_BYTES": "1000000",
        "KEEPSTREAM_TITLES": "0",
        "KEEPSTREAM_TITLE_MODEL": "a-model",
        "KEEPSTREAM_CONVERSATION_TTL": "600",
        "KEEPSTREAM_REDIS_CA": "/etc/ca.pem",
        "STREAMS_REDIS_URL": "redis://streams.example:6379/0",
        "KEEPSTREAM_CONVERSATION_LIMIT": "20",
        "KEEPSTREAM_CONVERSATION_BYTES": "100000",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_SDK_DISABLED": "true",
    }
    settings, defaults = Settings.from_env(changed), Settings()
    unchanged = [name for name in Settings.__slots__ if getattr(settings, name) == getattr(defaults, name)]

    assert sorted(changed) == sorted(variables())
    assert unchanged == []
    assert settings.cors_origins == ("https://a.example", "https://b.example")
    assert (settings.hosts, settings.root_path) == (("relay.example", "fd00::1"), "/relay")
    assert (settings.log_level, settings.lease_seconds, settings.port) == ("debug", 2.5, 9000)


def test_what_an_orchestrator_tells_of_a_service_named_metrics_is_no_port() -> None:
    assert Settings.from_env({"KEEPSTREAM_METRICS_PORT": "tcp://10.0.0.1:9100"}).metrics_port is None


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/", "/v1//", "/v1/messages", "/v1/messages/"])
@pytest.mark.parametrize("root", ["https://gateway.example", "http://127.0.0.1:8100", "https://g.example/claude"])
def test_a_base_url_is_the_same_with_what_the_sdks_add_to_it(root: str, path: str) -> None:
    assert Settings.from_env({"ANTHROPIC_BASE_URL": root + path}).anthropic_base_url == root


@pytest.mark.parametrize("url", ["https://g.example/v1beta", "https://g.example/myv1", "https://v1.example"])
def test_what_only_looks_like_that_is_kept(url: str) -> None:
    assert Settings.from_env({"ANTHROPIC_BASE_URL": url}).anthropic_base_url == url


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KEEPSTREAM_PORT", "65536"),
        ("KEEPSTREAM_PORT", "-1"),
        ("KEEPSTREAM_PORT", "http"),
        ("KEEPSTREAM_PORT", "8000.0"),
        ("KEEPSTREAM_PORT", "9" * 5000),
        ("KEEPSTREAM_WORKER_STREAMS", "0"),
        ("KEEPSTREAM_WORKER_STREAMS", "-1"),
        ("KEEPSTREAM_QUEUE_LIMIT", "1e3"),
        ("KEEPSTREAM_LEASE_SECONDS", "0.1"),
        ("KEEPSTREAM_LEASE_SECONDS", "nan"),
        ("KEEPSTREAM_LEASE_SECONDS", "1_0"),
        ("KEEPSTREAM_LEASE_SECONDS", "\u0663"),  # a digit, but of no number that others would read
        ("KEEPSTREAM_STALL_TIMEOUT", "0"),
        ("KEEPSTREAM_RETRY_WAIT_MAX", "-1"),
        ("KEEPSTREAM_STREAM_TTL", "inf"),
        ("KEEPSTREAM_STREAM_TTL", "1e999"),
        ("KEEPSTREAM_DRAIN_SECONDS", "a minute"),
        ("KEEPSTREAM_MAX_LOG_BYTES", "1000000000"),
        ("KEEPSTREAM_LOG_LEVEL", "loud"),
        ("KEEPSTREAM_LOG_FORMAT", "xml"),
        ("KEEPSTREAM_METRICS_PORT", "65536"),
        ("KEEPSTREAM_CHAT_FIELDS", "max_tokens,model"),
        ("REDIS_URL", "localhost:6379"),
        ("STREAMS_REDIS_URL", "localhost:6379"),
        ("REDIS_URL", "redis://\udcff"),  # bytes that are no text
        ("KEEPSTREAM_MODEL", "\udcff"),
        ("KEEPSTREAM_CHAT_MODELS", "\udcff"),
        ("ANTHROPIC_API_KEY", "two words"),
        ("ANTHROPIC_API_KEY", "k\u00e9y"),
        ("ANTHROPIC_BASE_URL", "api.example"),
        ("ANTHROPIC_BASE_URL", "http://["),
        ("ANTHROPIC_BASE_URL", "http://gateway.example:port"),
        ("ANTHROPIC_BASE_URL", "http:// gateway.example"),
        ("ANTHROPIC_BASE_URL", "https://user@"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_variable(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} must"):
        Settings.from_env({name: value})


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("https://:hush@redis.example", ", not with https://"),
        ("redis+cluster://:hush@a,b", "(a cluster is for STREAMS_REDIS_URL), not with redis+cluster://"),
        (":hush@redis.example", ": it has no scheme"),
    ],
)
def test_an_address_of_redis_that_is_none_is_told_by_how_it_begins(url: str, says: str) -> None:
    with pytest.raises(SettingsError) as told:
        Settings.from_env({"REDIS_URL": url})
    assert str(told.value).endswith(says)
    assert "hush" not in str(told.value)


@pytest.mark.parametrize("name", ["ANTHROPIC_API_KEY", "REDIS_URL"])
class TestASecretInAFile:
    value = "redis://:secret@redis.example/0"

    def test_is_read_without_the_white_space_around_it(self, name: str, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text(f"{self.value}\n")
        settings = Settings.from_env({f"{name}_FILE": str(tmp_path / "secret")})
        assert getattr(settings, name.lower()) == self.value

    def test_may_have_been_saved_with_a_byte_order_mark(self, name: str, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text(self.value, encoding="utf-8-sig")
        settings = Settings.from_env({f"{name}_FILE": str(tmp_path / "secret")})
        assert getattr(settings, name.lower()) == self.value

    def test_cannot_be_given_twice(self, name: str, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match=f"set {name} or {name}_FILE, not both"):
            Settings.from_env({name: self.value, f"{name}_FILE": str(tmp_path / "secret")})

    def test_has_to_exist(self, name: str, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match=f"^{name}_FILE: cannot read .*missing: No such file"):
            Settings.from_env({f"{name}_FILE": str(tmp_path / "missing")})

    def test_is_no_directory(self, name: str, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match=f"^{name}_FILE: cannot read .*: Is a directory"):
            Settings.from_env({f"{name}_FILE": str(tmp_path)})

    def test_has_to_say_something(self, name: str, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("\n")
        with pytest.raises(SettingsError, match=f"^{name}_FILE: .* is empty"):
            Settings.from_env({f"{name}_FILE": str(tmp_path / "secret")})

    def test_has_to_be_text(self, name: str, tmp_path: Path) -> None:
        (tmp_path / "secret").write_bytes(b"\xff\xfe")
        with pytest.raises(SettingsError, match="not UTF-8"):
            Settings.from_env({f"{name}_FILE": str(tmp_path / "secret")})


def test_secrets_are_not_shown() -> None:
    settings = Settings.from_env({"ANTHROPIC_API_KEY": "hush", "REDIS_URL": "redis://:hush@redis.example/0"})
    assert "hush" not in repr(settings)


def test_what_a_chat_may_choose_is_words_and_never_what_the_relay_decides() -> None:
    settings = Settings.from_env({"KEEPSTREAM_CHAT_MODELS": "claude-a, claude-b", "KEEPSTREAM_CHAT_FIELDS": "tools"})
    assert (settings.chat_models, settings.chat_fields) == (("claude-a", "claude-b"), ("tools",))
    with pytest.raises(SettingsError, match="KEEPSTREAM_CHAT_FIELDS must not name messages, relay"):
        Settings.from_env({"KEEPSTREAM_CHAT_FIELDS": "tools relay messages"})
