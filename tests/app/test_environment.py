from __future__ import annotations

import pytest

from app.environment import is_origin
from app.settings import Settings, SettingsError, unknown


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KEEPSTREAM_PORT", "tcp://10.0.0.1:80"),
        ("KEEPSTREAM_PORT_80_TCP", "tcp://10.0.0.1:80"),
        ("KEEPSTREAM_PORT_80_TCP_ADDR", "10.0.0.1"),
        ("KEEPSTREAM_PORT_80_TCP_PORT", "80"),
        ("KEEPSTREAM_PORT_80_TCP_PROTO", "tcp"),
        ("KEEPSTREAM_SERVICE_HOST", "10.0.0.1"),
        ("KEEPSTREAM_SERVICE_PORT", "80"),
        ("KEEPSTREAM_SERVICE_PORT_HTTP", "80"),
        ("KEEPSTREAM_FRONT_PORT", "udp://10.0.0.1:80"),
        ("KEEPSTREAM_FRONT_PORT_80_UDP", "udp://10.0.0.1:80"),
        ("KEEPSTREAM_VALKEY_SERVICE_HOST", "10.0.0.1"),
    ],
)
def test_what_kubernetes_tells_of_a_service_is_no_setting(name: str, value: str) -> None:
    assert Settings.from_env({name: value}) == Settings()
    assert unknown({name: value}) == ()


def test_a_port_is_a_setting_all_the_same() -> None:
    assert Settings.from_env({"KEEPSTREAM_PORT": "8001"}).port == 8001
    with pytest.raises(SettingsError, match="KEEPSTREAM_PORT"):
        Settings.from_env({"KEEPSTREAM_PORT": "10.0.0.1:80"})


def test_what_looks_like_a_setting_and_is_none_is_named() -> None:
    environ = {"KEEPSTREAM_MODLE": "x", "KEEPSTREAM_HOST": "x", "KEEPSTREAM_URL": "x", "OTHER": "x", "KEEPSTREAM_Z": ""}
    assert unknown(environ) == ("KEEPSTREAM_MODLE", "KEEPSTREAM_Z")


@pytest.mark.parametrize(
    "text",
    [
        "https://a.example",
        "http://localhost:5173",
        "http://[::1]:8080",
        "https://xn--bcher-kva.example",
        "app://bundle",
    ],
)
def test_what_a_browser_sends_as_its_origin(text: str) -> None:
    assert is_origin(text)
    assert Settings.from_env({"KEEPSTREAM_CORS_ORIGINS": text}).cors_origins == (text,)


@pytest.mark.parametrize(
    "text",
    [
        "*", "null", "a.example", "https://a.example/", "https://a.example/app", "https://*.example", "HTTPS://a.example",
        "https://A.example", "https://a.example:443", "http://a.example:80", "https://", "https://u@a.example",
        "https://a.example?x", "https://a.example#x", "https://bücher.example", "//a.example", "https://a.example:x",
    ],
)  # fmt: skip
def test_what_no_browser_sends_is_refused(text: str) -> None:
    assert not is_origin(text)
    with pytest.raises(SettingsError, match="KEEPSTREAM_CORS_ORIGINS"):
        Settings.from_env({"KEEPSTREAM_CORS_ORIGINS": f"https://ok.example, {text}"})


@pytest.mark.parametrize("path", ["relay", "/a b", "/a/../b?", "https://x/relay", "/ä", "//relay"])
def test_a_root_path_is_a_path(path: str) -> None:
    with pytest.raises(SettingsError, match="KEEPSTREAM_ROOT_PATH"):
        Settings.from_env({"KEEPSTREAM_ROOT_PATH": path})


@pytest.mark.parametrize("name", ["a.example:80", "https://a.example", "*", "a/b"])
def test_a_host_is_a_name_alone(name: str) -> None:
    with pytest.raises(SettingsError, match="KEEPSTREAM_HOSTS"):
        Settings.from_env({"KEEPSTREAM_HOSTS": name})
