from __future__ import annotations

import socket

import pytest

from app.dev import ports
from app.dev.ports import LOOPBACK, NoFreePortError, free_port, is_free


def test_a_free_port_is_one_that_nobody_listens_on() -> None:
    assert is_free(free_port())


def test_a_free_port_is_never_one_that_the_kernel_gives_to_outgoing_connections() -> None:
    assert all(20_000 <= free_port() < 30_000 for _ in range(100))


def test_a_port_with_a_listener_is_taken() -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        assert not is_free(server.getsockname()[1])


def test_a_host_of_somebody_else_is_an_error_and_not_a_taken_port() -> None:
    with pytest.raises(OSError, match="assign"):
        is_free(0, "192.0.2.1")


def test_when_all_are_taken_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda *_: False)
    with pytest.raises(NoFreePortError, match="no free port"):
        free_port()
