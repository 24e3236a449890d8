"""Whose address a request has, and what of its headers is believed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.access.addresses import HOPS_MAX, client_address, is_https, is_loopback_client, neighbourhood
from app.environment import network_of
from app.settings import Settings, SettingsError

TRUSTED = Settings.from_env({"KEEPSTREAM_TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8 2001:db8:1::/48"}).trusted_proxies


def scope(peer: str | None, *headers: tuple[str, str], scheme: str = "http") -> dict[str, Any]:
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    return {"client": None if peer is None else (peer, 4711), "headers": raw, "scheme": scheme}


def forwarded(peer: str, *values: str) -> dict[str, Any]:
    return scope(peer, *(("X-Forwarded-For", value) for value in values))


@pytest.mark.parametrize(
    ("peer", "values", "client"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["198.51.100.1"], "192.0.2.1"),  # a stranger writes what it likes
        ("10.0.0.7", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.7", ["203.0.113.9, 198.51.100.1"], "198.51.100.1"),  # what it was told itself is nobody's word
        ("10.0.0.7", ["203.0.113.9", "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.7", ["203.0.113.9, 198.51.100.1,10.1.1.1 ,\t10.2.2.2"], "198.51.100.1"),
        ("10.0.0.7", ["198.51.100.1", "10.1.1.1", "10.2.2.2"], "198.51.100.1"),
        ("10.0.0.7", ["10.9.9.9"], "10.9.9.9"),  # all of them ours: the first of them asks
        ("10.0.0.7", [], "10.0.0.7"),
        ("::ffff:10.0.0.7", ["198.51.100.1"], "198.51.100.1"),
        ("::ffff:192.0.2.1", ["198.51.100.1"], "192.0.2.1"),
        ("2001:db8:1::5", ["2001:0DB8:0002:0::0001"], "2001:db8:2::1"),
        ("fe80::1%eth0", [], "fe80::1"),
        # as some write it
        ("10.0.0.7", ["198.51.100.1:65535"], "198.51.100.1"),
        ("10.0.0.7", ["[2001:db8::1]"], "2001:db8::1"),
        ("10.0.0.7", ["[2001:db8::1]:443"], "2001:db8::1"),
        ("10.0.0.7", ["::ffff:198.51.100.1"], "198.51.100.1"),
        # nothing that can be read stands before the last that is known
        ("10.0.0.7", ["198.51.100.1, unknown"], "10.0.0.7"),
        ("10.0.0.7", ["198.51.100.1, unknown, 10.1.1.1"], "10.1.1.1"),
    ],
)
def test_a_client_is_who_asks_the_first_proxy_that_is_trusted(peer: str, values: list[str], client: str) -> None:
    assert client_address(forwarded(peer, *values), TRUSTED) == client


@pytest.mark.parametrize(
    "garbage",
    [
        *("", ",", ", ,", "_hidden", "unknown", "evil.example", "for=1.2.3.4", "\x00", "\xb2.1.1.1", "1.2.3.4\r\nx: y"),
        *("1.2.3", "1.2.3.4.5", "01.2.3.4", "256.1.1.1", "-1.2.3.4", "1.2.3.4/8", '"1.2.3.4"', "1.2.3.4 1.2.3.4"),
        *("1.2.3.4:", "1.2.3.4:x", "1.2.3.4:123456", "[1.2.3.4", "[::1", "::1]", "[::1]x", "[::1]:", "[[::1]]", ":::"),
        *("9" * 500, "::1" + "0" * 500),
    ],
)
def test_what_cannot_be_read_is_not_seen_through(garbage: str) -> None:
    assert client_address(forwarded("10.0.0.7", "198.51.100.1", garbage), TRUSTED) == "10.0.0.7"


@given(st.lists(st.binary(max_size=200), max_size=6))
def test_whatever_a_stranger_writes_it_is_who_it_is(values: list[bytes]) -> None:
    headers = [(b"x-forwarded-for", value) for value in values]
    asked = {"client": ("192.0.2.1", 1), "headers": headers, "scheme": "http"}
    assert client_address(asked, TRUSTED) == "192.0.2.1"
    headers.append((b"x-forwarded-for", b"192.0.2.1"))
    assert client_address(asked | {"client": ("10.0.0.7", 1)}, TRUSTED) == "192.0.2.1"


@given(st.lists(st.binary(max_size=200), max_size=6))
def test_whatever_is_written_by_a_proxy_has_an_answer(values: list[bytes]) -> None:
    asked = {"client": ("10.0.0.7", 1), "headers": [(b"x-forwarded-for", value) for value in values], "scheme": "http"}
    network_of(client_address(asked, TRUSTED))
    assert isinstance(is_loopback_client(asked, TRUSTED), bool)


def test_no_more_is_looked_through_than_anybody_has() -> None:
    for entry in ("10.1.1.1", "127.0.0.1", "x" * 6):
        asked = forwarded("127.0.0.1", *[",".join([entry] * 100)] * 100)
        assert not is_loopback_client(asked, TRUSTED)
    chain = ",".join(["198.51.100.1", *["10.1.1.1"] * (HOPS_MAX - 1)])
    assert client_address(forwarded("10.0.0.7", chain), TRUSTED) == "198.51.100.1"
    assert client_address(forwarded("10.0.0.7", f"{chain},10.1.1.1"), TRUSTED) == "10.1.1.1"


def test_who_has_no_address() -> None:
    assert client_address(scope(None), TRUSTED) == ""
    assert client_address(forwarded("", "127.0.0.1"), TRUSTED) == ""
    assert not is_loopback_client(scope(None), TRUSTED)
    assert not is_loopback_client(scope(""), TRUSTED)


@pytest.mark.parametrize(
    ("asked", "local"),
    [
        (scope("127.0.0.1"), True),
        (scope("127.1.2.3"), True),
        (scope("::1"), True),
        (scope("::ffff:127.0.0.1"), True),
        (scope("192.0.2.1"), False),
        (scope("localhost"), False),  # no address at all
        # through a proxy of this machine that is trusted
        (forwarded("127.0.0.1", "198.51.100.1"), False),
        (forwarded("127.0.0.1", "127.0.0.1"), True),
        (forwarded("127.0.0.1", "127.0.0.1, 198.51.100.1"), False),
        (forwarded("127.0.0.1", "198.51.100.1, 127.0.0.1"), False),
        (forwarded("127.0.0.1", "garbage"), False),
        (forwarded("127.0.0.1", ""), False),
        (scope("127.0.0.1", ("X-Real-IP", "198.51.100.1")), False),  # it asks for somebody, and not in words we read
        (scope("127.0.0.1", ("Forwarded", "for=198.51.100.1")), False),
        (scope("127.0.0.1", ("Via", "1.1 proxy")), False),
        # and through one that is not
        (forwarded("127.0.0.2", "127.0.0.1"), False),
        (scope("127.0.0.2", ("Forwarded", "for=127.0.0.1")), False),
        (scope("127.0.0.2", ("X-Forwarded-Proto", "http")), False),
        (scope("127.0.0.2", ("Via", "1.1 proxy")), False),
        # or from somewhere else, by one that is
        (forwarded("10.0.0.7", "127.0.0.1"), True),
        (forwarded("192.0.2.1", "127.0.0.1"), False),
        # or by one that was asked by another, which stands there and is not
        (forwarded("10.0.0.7", "198.51.100.1, 127.0.0.2"), False),
        (forwarded("10.0.0.7", "198.51.100.1", "127.0.0.2"), False),
        (forwarded("10.0.0.7", "127.0.0.2"), True),
    ],
)
def test_who_is_on_this_machine(asked: dict[str, Any], *, local: bool) -> None:
    assert is_loopback_client(asked, TRUSTED) is local


def test_nobody_is_trusted_unless_it_is_said() -> None:
    asked = scope("127.0.0.1", ("X-Forwarded-For", "198.51.100.1"), ("X-Forwarded-Proto", "https"))
    assert client_address(asked) == "127.0.0.1"
    assert not is_loopback_client(asked)
    assert not is_https(asked)


@pytest.mark.parametrize(
    ("asked", "https"),
    [
        (scope("192.0.2.1"), False),
        (scope("192.0.2.1", scheme="https"), True),
        (scope("192.0.2.1", ("X-Forwarded-Proto", "https")), False),
        (scope(None, ("X-Forwarded-Proto", "https")), False),
        (scope("10.0.0.7"), False),
        (scope("10.0.0.7", ("X-Forwarded-Proto", "https")), True),
        (scope("10.0.0.7", ("X-Forwarded-Proto", " HTTPS ")), True),
        (scope("10.0.0.7", ("X-Forwarded-Proto", "http")), False),
        (scope("10.0.0.7", ("X-Forwarded-Proto", "httpsx")), False),
        (scope("10.0.0.7", ("X-Forwarded-Proto", "https, http")), True),  # the edge has it, who is behind it has not
        (scope("10.0.0.7", ("X-Forwarded-Proto", "http, https")), False),
        (scope("10.0.0.7", ("X-Forwarded-Proto", "https"), ("X-Forwarded-Proto", "http")), True),
        (scope("10.0.0.7", ("X-Forwarded-Proto", "," * 60_000)), False),
    ],
)
def test_who_speaks_tls(asked: dict[str, Any], *, https: bool) -> None:
    assert is_https(asked, TRUSTED) is https


def test_a_host_has_a_network_of_ipv6_addresses_and_one_of_ipv4() -> None:
    assert neighbourhood("2001:db8::1") == neighbourhood("2001:db8::ffff:1") == "2001:db8::/64"
    assert neighbourhood("2001:db8:0:1::1") != neighbourhood("2001:db8::1")
    assert neighbourhood("192.0.2.1") == "192.0.2.1"
    assert neighbourhood("") == ""


@pytest.mark.parametrize("word", ["10.0.0.1/8", "proxy.example", "10.0.0.0/33", "*", "10.0.0", "127.0.0.1:80", "[::1]"])
def test_what_is_no_address_is_not_trusted(word: str) -> None:
    with pytest.raises(SettingsError, match="KEEPSTREAM_TRUSTED_PROXIES"):
        Settings.from_env({"KEEPSTREAM_TRUSTED_PROXIES": f"127.0.0.1 {word}"})


def test_ipv4_is_trusted_however_it_is_written() -> None:
    trusted = Settings.from_env({"KEEPSTREAM_TRUSTED_PROXIES": "::ffff:10.0.0.0/104,::1"}).trusted_proxies
    assert client_address(forwarded("10.0.0.7", "198.51.100.1"), trusted) == "198.51.100.1"
    assert client_address(forwarded("::1", "198.51.100.1"), trusted) == "198.51.100.1"
