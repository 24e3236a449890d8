"""All of it, as it is served."""

from __future__ import annotations

from app import llms


def test_all_of_it_leads_to_where_a_proxy_shows_the_front() -> None:
    served = llms.served("/under")
    assert sorted(served) == ["/llms-full.txt", "/llms.txt", "/skill.md"]
    for body, kind in served.values():
        assert b"](/under/docs/access.md" in body
        assert kind.endswith("; charset=utf-8")
