"""What can be set, with its defaults and its bounds.

Read once by the composition roots (`app.main`, `worker.main`, the command line) and handed down as values;
nothing below them looks at the environment. A wrong setting is a `SettingsError` that names the variable and
says what it takes, never a traceback.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from app.environment import Network, Reader, SettingsError, begins, is_http, is_origin, is_service_link, network_of

__all__ = ["Settings", "SettingsError", "unknown", "unusable", "variable_of", "variables"]

# A string of Redis has 512 MB at the most, and the frames that close a log need room behind the limit.
MAX_LOG_BYTES_CEILING = 500_000_000
MIN_LOG_BYTES = 4096
# A lease is renewed at every third of it; shorter ones would expire in an ordinary pause of a busy machine.
MIN_LEASE_SECONDS = 0.5
# Between the last moment a stream may run and the moment its keys go: room to write its ending.
LIFE_MARGIN_SECONDS = 120
_SERVER = r"^(redis|rediss|unix|redis\+sentinel|rediss\+sentinel)://"
_CLUSTER = r"^(redis|rediss)\+cluster://"
_SERVERS = "redis://, rediss://, unix://, redis+sentinel:// or rediss+sentinel://"


def unusable(error: Exception) -> SettingsError:
    """What an HTTP library raises where its own variables cannot be used; its words may hold a proxy's password."""
    if isinstance(error, OSError):
        told = error.strerror or type(error).__name__
        return SettingsError(f"SSL_CERT_FILE and SSL_CERT_DIR must name certificates that can be read: {told}")
    return SettingsError("HTTP_PROXY, HTTPS_PROXY and ALL_PROXY must be addresses of HTTP proxies")


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, checked. Times are seconds, sizes are bytes."""

    redis_url: str = field(default="redis://127.0.0.1:6379/0", repr=False)  # may hold a password
    redis_ca: str | None = None
    streams_redis_url: str | None = field(default=None, repr=False)  # likewise
    anthropic_api_key: str | None = field(default=None, repr=False)
    anthropic_base_url: str | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    model: str = "claude-sonnet-5"
    max_tokens: int = 4096
    worker_streams: int = 50
    worker_bytes: int = 512 * 1024 * 1024
    queue_limit: int = 10_000
    queue_bytes: int = 1024 * 1024 * 1024
    max_attempts: int = 3
    retry_wait_max: float = 60.0
    lease_seconds: float = 10.0
    stall_timeout: float = 60.0
    silent_timeout: float = 300.0
    stream_seconds_max: float = 1800.0
    approval_seconds: float = 86_400.0
    stream_ttl: float = 3600.0
    max_prompt_bytes: int = 32 * 1024 * 1024
    bodies_bytes: int = 256 * 1024 * 1024
    connections_max: int = 20_000
    max_log_bytes: int = 16 * 1024 * 1024
    drain_seconds: float = 25.0
    api_keys_file: str | None = None
    limits_file: str | None = None
    prices_file: str | None = None
    auth: str = ""
    jwt_secret: str | None = field(default=None, repr=False)
    jwt_jwks: str | None = field(default=None, repr=False)  # an address may hold a password
    jwt_issuer: str | None = None
    jwt_audience: tuple[str, ...] = ()
    jwt_algorithms: tuple[str, ...] = ()
    jwt_owner_claim: str = "sub"
    ticket_secret: str | None = field(default=None, repr=False)
    ticket_seconds: float = 3600.0
    hosts: tuple[str, ...] = ()
    trusted_proxies: tuple[Network, ...] = ()
    screen: str | None = None
    screen_seconds: float = 2.0
    screen_patterns: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None
    root_path: str = ""
    cors_origins: tuple[str, ...] = ()
    chat_models: tuple[str, ...] = ()
    chat_fields: tuple[str, ...] = ()
    chat_system: str | None = None
    tools: tuple[str, ...] = ()
    mcp: str | None = None
    usage_days: int = 400
    cache_bytes: int = 256 * 1024 * 1024
    conversation_ttl: float = 30 * 86_400.0
    conversation_limit: int = 10_000
    conversation_bytes: int = 32 * 1024 * 1024
    titles: int = 1
    title_model: str = "claude-haiku-4-5"
    log_level: str = "info"
    log_format: str = ""
    timeline: str = "on"
    metrics_port: int | None = None
    metrics_host: str | None = None
    otel_exporter_otlp_endpoint: str | None = field(default=None, repr=False)  # may hold a password
    otel_exporter_otlp_protocol: str = ""
    otel_traces_exporter: str = ""
    otel_sdk_disabled: str = ""

    @property
    def traces(self) -> bool:
        """Whether traces are wanted, by OpenTelemetry's own variables."""
        sent = not self.otel_traces_exporter or "otlp" in self.otel_traces_exporter.replace(",", " ").split()
        return self.otel_exporter_otlp_endpoint is not None and sent and self.otel_sdk_disabled != "true"

    @property
    def asks_nobody(self) -> bool:
        """Whether whoever comes is let in: there are neither keys nor tokens."""
        return self.api_keys_file is None and self.jwt_secret is None and self.jwt_jwks is None

    @property
    def stream_life_ms(self) -> int:
        """How long a stream's keys are kept until it has ended, in milliseconds."""
        return int((self.stream_seconds_max + self.stream_ttl + LIFE_MARGIN_SECONDS) * 1000)

    @property
    def waiting_life_ms(self) -> int:
        """The same of one that may wait for a person."""
        return self.stream_life_ms + int(self.approval_seconds * 1000)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """The settings of `environ`; what it does not name keeps its default.

        A secret may come as a file: `ANTHROPIC_API_KEY_FILE`, `REDIS_URL_FILE` and others. Raises `SettingsError`.
        """
        read, default = Reader(environ), cls()
        settings = cls(
            redis_url=read.secret("REDIS_URL") or default.redis_url,
            redis_ca=read.text("KEEPSTREAM_REDIS_CA"),
            streams_redis_url=read.secret("STREAMS_REDIS_URL"),
            anthropic_api_key=read.secret("ANTHROPIC_API_KEY"),
            anthropic_base_url=_api_root(read.text("ANTHROPIC_BASE_URL")),
            host=read.text("KEEPSTREAM_HOST") or default.host,
            port=read.port("KEEPSTREAM_PORT", default.port),
            model=read.text("KEEPSTREAM_MODEL") or default.model,
            max_tokens=read.whole("KEEPSTREAM_MAX_TOKENS", default.max_tokens, 1, 10_000_000),
            worker_streams=read.whole("KEEPSTREAM_WORKER_STREAMS", default.worker_streams, 1, 10_000),
            worker_bytes=read.whole("KEEPSTREAM_WORKER_BYTES", default.worker_bytes, 1, 2**50),
            queue_limit=read.whole("KEEPSTREAM_QUEUE_LIMIT", default.queue_limit, 1, 10_000_000),
            queue_bytes=read.whole("KEEPSTREAM_QUEUE_BYTES", default.queue_bytes, 1, 2**50),
            max_attempts=read.whole("KEEPSTREAM_MAX_ATTEMPTS", default.max_attempts, 1, 100),
            retry_wait_max=read.seconds("KEEPSTREAM_RETRY_WAIT_MAX", default.retry_wait_max, 0.0, 86_400.0),
            lease_seconds=read.seconds("KEEPSTREAM_LEASE_SECONDS", default.lease_seconds, MIN_LEASE_SECONDS, 3600.0),
            stall_timeout=read.seconds("KEEPSTREAM_STALL_TIMEOUT", default.stall_timeout, 0.1, 86_400.0),
            silent_timeout=read.seconds("KEEPSTREAM_SILENT_TIMEOUT", default.silent_timeout, 0.1, 86_400.0),
            stream_seconds_max=read.seconds(
                "KEEPSTREAM_STREAM_SECONDS_MAX", default.stream_seconds_max, 0.1, 604_800.0
            ),
            approval_seconds=read.seconds("KEEPSTREAM_APPROVAL_SECONDS", default.approval_seconds, 0.1, 2_592_000.0),
            stream_ttl=read.seconds("KEEPSTREAM_STREAM_TTL", default.stream_ttl, 0.1, 31_536_000.0),
            max_prompt_bytes=read.whole("KEEPSTREAM_MAX_PROMPT_BYTES", default.max_prompt_bytes, 1, 512 * 1024 * 1024),
            connections_max=read.whole("KEEPSTREAM_CONNECTIONS_MAX", default.connections_max, 1, 10_000_000),
            max_log_bytes=read.whole(
                "KEEPSTREAM_MAX_LOG_BYTES", default.max_log_bytes, MIN_LOG_BYTES, MAX_LOG_BYTES_CEILING
            ),
            drain_seconds=read.seconds("KEEPSTREAM_DRAIN_SECONDS", default.drain_seconds, 0.0, 86_400.0),
            bodies_bytes=read.whole("KEEPSTREAM_BODIES_BYTES", default.bodies_bytes, 1, 1024**4),
            api_keys_file=read.text("KEEPSTREAM_API_KEYS_FILE"),
            limits_file=read.text("KEEPSTREAM_LIMITS_FILE"),
            prices_file=read.text("KEEPSTREAM_PRICES_FILE"),
            auth=read.one_of("KEEPSTREAM_AUTH", default.auth, ("", "none")),
            jwt_secret=read.secret("KEEPSTREAM_JWT_SECRET"),
            jwt_jwks=read.text("KEEPSTREAM_JWT_JWKS"),
            jwt_issuer=read.text("KEEPSTREAM_JWT_ISSUER"),
            jwt_audience=read.words("KEEPSTREAM_JWT_AUDIENCE"),
            jwt_algorithms=read.words("KEEPSTREAM_JWT_ALGORITHMS"),
            jwt_owner_claim=read.text("KEEPSTREAM_JWT_OWNER_CLAIM") or default.jwt_owner_claim,
            ticket_secret=read.secret("KEEPSTREAM_TICKET_SECRET"),
            ticket_seconds=read.seconds("KEEPSTREAM_TICKET_SECONDS", default.ticket_seconds, 0.1, 604_800.0),
            hosts=tuple(_host(word) for word in read.words("KEEPSTREAM_HOSTS")),
            trusted_proxies=tuple(_proxy(word) for word in read.words("KEEPSTREAM_TRUSTED_PROXIES")),
            screen=read.text("KEEPSTREAM_SCREEN"),
            screen_seconds=read.seconds("KEEPSTREAM_SCREEN_SECONDS", default.screen_seconds, 0.01, 60.0),
            screen_patterns=read.text("KEEPSTREAM_SCREEN_PATTERNS"),
            tls_cert=read.text("KEEPSTREAM_TLS_CERT"),
            tls_key=read.text("KEEPSTREAM_TLS_KEY"),
            root_path=read.path("KEEPSTREAM_ROOT_PATH"),
            cors_origins=tuple(_origin(word) for word in read.words("KEEPSTREAM_CORS_ORIGINS")),
            chat_models=read.words("KEEPSTREAM_CHAT_MODELS"),
            chat_fields=read.words("KEEPSTREAM_CHAT_FIELDS"),
            chat_system=read.text("KEEPSTREAM_CHAT_SYSTEM"),
            tools=read.words("KEEPSTREAM_TOOLS"),
            mcp=read.text("KEEPSTREAM_MCP"),
            usage_days=read.whole("KEEPSTREAM_USAGE_DAYS", default.usage_days, 1, 10_000),
            cache_bytes=read.whole("KEEPSTREAM_CACHE_BYTES", default.cache_bytes, 0, 2**40),
            titles=read.whole("KEEPSTREAM_TITLES", default.titles, 0, 1),
            title_model=read.text("KEEPSTREAM_TITLE_MODEL") or default.title_model,
            conversation_ttl=read.seconds("KEEPSTREAM_CONVERSATION_TTL", default.conversation_ttl, 1.0, 315_360_000.0),
            conversation_limit=read.whole("KEEPSTREAM_CONVERSATION_LIMIT", default.conversation_limit, 1, 10_000_000),
            conversation_bytes=read.whole(
                "KEEPSTREAM_CONVERSATION_BYTES", default.conversation_bytes, 1, 256 * 1024 * 1024
            ),
            log_level=read.one_of(
                "KEEPSTREAM_LOG_LEVEL", default.log_level, ("debug", "info", "warning", "error", "critical")
            ),
            log_format=read.one_of("KEEPSTREAM_LOG_FORMAT", default.log_format, ("", "json", "text")),
            timeline=read.one_of("KEEPSTREAM_TIMELINE", default.timeline, ("on", "off")),
            metrics_port=read.port_if_any("KEEPSTREAM_METRICS_PORT"),
            metrics_host=read.text("KEEPSTREAM_METRICS_HOST"),
            # OpenTelemetry's own are read as it reads them: what it does not know is no fault of this process.
            otel_exporter_otlp_endpoint=(
                read.text("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or read.text("OTEL_EXPORTER_OTLP_ENDPOINT")
            ),
            otel_exporter_otlp_protocol=(
                read.text("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or read.text("OTEL_EXPORTER_OTLP_PROTOCOL") or ""
            ),
            otel_traces_exporter=(read.text("OTEL_TRACES_EXPORTER") or "").lower(),
            otel_sdk_disabled=(read.text("OTEL_SDK_DISABLED") or "").lower(),
        )
        if not re.match(_SERVER, settings.redis_url):
            raise SettingsError(
                f"REDIS_URL must start with {_SERVERS} (a cluster is for STREAMS_REDIS_URL){begins(settings.redis_url)}"
            )
        if settings.streams_redis_url and not re.match(f"{_SERVER}|{_CLUSTER}", settings.streams_redis_url):
            raise SettingsError(
                f"STREAMS_REDIS_URL must start with redis+cluster://, rediss+cluster://, {_SERVERS}"
                f"{begins(settings.streams_redis_url)}"
            )
        if settings.anthropic_base_url and not is_http(settings.anthropic_base_url):
            raise SettingsError("ANTHROPIC_BASE_URL must be an http:// or https:// address")
        if not re.fullmatch("[!-~]*", settings.anthropic_api_key or ""):
            raise SettingsError("ANTHROPIC_API_KEY must be one word of ASCII: it goes into a header")
        if reserved := {"messages", "model", "stream", "relay"} & set(settings.chat_fields):
            raise SettingsError(f"KEEPSTREAM_CHAT_FIELDS must not name {', '.join(sorted(reserved))}")
        return settings


# Secrets of ours that may also come as files.
SECRET_FILES = frozenset({"KEEPSTREAM_JWT_SECRET_FILE", "KEEPSTREAM_TICKET_SECRET_FILE"})
# Read by the command line alone.
_OTHERS = frozenset({"KEEPSTREAM_URL", "KEEPSTREAM_KEY"})
# What `compose.yaml` and the Caddyfile read of an `.env`, of which each container is told the whole.
OF_COMPOSE = frozenset(f"KEEPSTREAM_{name}" for name in ("DOMAIN", "BIND", "EXTRAS", "FRONTS", "WORKERS", "CPUS"))
# These keep the names that everybody knows them by.
_USUAL_NAMES = re.compile(r"(streams_)?redis_url|anthropic_.+|otel_.+")


def variable_of(name: str) -> str:
    """The environment variable of a field of `Settings`."""
    return name.upper() if _USUAL_NAMES.fullmatch(name) else f"KEEPSTREAM_{name.upper()}"


def variables() -> tuple[str, ...]:
    """The environment variables of all settings, for the documentation and its test."""
    return tuple(variable_of(f.name) for f in fields(Settings))


def _api_root(url: str | None) -> str | None:
    """Without the path that the SDKs add themselves: the address of the API's documentation works as well."""
    return None if url is None else re.sub(r"(/v1(/messages)?)?/*$", "", url)


NO_SETTING = "%s is no setting of Keepstream's, and changes nothing"


def unknown(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The variables that look like settings of ours and are none: misspelt ones, say."""
    known = {*variables(), *SECRET_FILES, *_OTHERS, *OF_COMPOSE}
    ours = (item for item in environ.items() if item[0].startswith("KEEPSTREAM_") and item[0] not in known)
    return tuple(sorted(name for name, value in ours if not is_service_link(name, value)))


def _origin(text: str) -> str:
    if not is_origin(text):
        raise SettingsError(
            f"KEEPSTREAM_CORS_ORIGINS: {text!r} is no origin that a browser sends: give the scheme, the host in small "
            "letters and a port that is not the usual one, and no path, slash or *, such as https://app.example.com"
        )
    return text


def _host(text: str) -> str:
    name = text.lower().removesuffix(".")
    if not re.fullmatch(r"[a-z0-9_.-]+|\[?[0-9a-f:.]+\]?", name):
        raise SettingsError(f"KEEPSTREAM_HOSTS: {text!r} is no name of a host: give names or addresses without a port")
    return name.strip("[]")


def _proxy(text: str) -> Network:
    try:
        return network_of(text)
    except ValueError as error:
        raise SettingsError(
            f"KEEPSTREAM_TRUSTED_PROXIES: {error}; give addresses and networks such as 10.0.0.7 and 10.1.0.0/16"
        ) from error
