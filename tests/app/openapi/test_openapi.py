"""The description at `/openapi.json`: complete, both ways, and true."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.routing import Route

import app
from app.access.limits.in_force import LimitsInForce
from app.faces.base.front import Front
from app.faces.board.gathering import Gathering
from app.faces.conversations.saying import Conversing
from app.http.envelope import Envelope
from app.http.errors import TYPES
from app.http.health import Readiness
from app.main import application
from app.openapi import describe
from app.settings import Settings
from app.watch.metrics.metrics_observer import Metrics
from app.watch.metrics.parts.front_metrics import FrontMetrics
from tests.app.served import served as running

DESCRIPTION = describe()
METHODS = ("get", "post", "put", "patch", "delete")


def served() -> set[tuple[str, str]]:
    """Every path of the application, as OpenAPI writes it, with each of its methods."""
    front = cast("Front", SimpleNamespace(settings=Settings(), limits=LimitsInForce(), who=None))
    page = Metrics(FrontMetrics(), dict).page
    conversing, board, ready = cast("Conversing", None), cast("Gathering", None), cast("Readiness", None)
    envelope = cast("Envelope", application(front, conversing, board, ready, page=page))
    starlette = cast("Starlette", envelope._app)
    found = set()
    for route in starlette.routes:
        assert isinstance(route, Route)
        path = re.sub(r":\w+}", "}", route.path)
        found |= {(path, method.lower()) for method in route.methods or () if method != "HEAD"}
    return found


def operations() -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (path, method): item[method]
        for path, item in DESCRIPTION["paths"].items()
        for method in METHODS
        if method in item
    }


def references(thing: Any) -> set[str]:
    match thing:
        case {"$ref": str(reference)}:
            return {reference}
        case dict():
            return set().union(*map(references, thing.values()))
        case list():
            return set().union(*map(references, thing))
        case _:
            return set()


def resolve(reference: str) -> Any:
    found = DESCRIPTION
    for key in reference.removeprefix("#/").split("/"):
        found = found[key]
    return found


def test_every_route_is_described_and_nothing_else_is() -> None:
    assert served() == set(operations())


def test_every_status_that_the_code_names_is_described() -> None:
    text = "\n".join(path.read_text() for path in Path(app.__file__).parent.rglob("*.py"))
    named = {int(status) for status in re.findall(r"(?:ApiError\(|status_code=)(\d{3})\b", text)}
    described = {int(status) for operation in operations().values() for status in operation["responses"]}
    assert {204, 304, 401, 404, 410, 413} <= named
    # 405 is for methods that are not described.
    assert (named | set(TYPES)) - {405} <= described


def test_every_reference_leads_somewhere_and_nothing_stands_there_unused() -> None:
    used = references(DESCRIPTION)
    for reference in used:
        assert resolve(reference)
    defined = {
        f"#/components/{kind}/{name}"
        for kind, things in DESCRIPTION["components"].items()
        if kind != "securitySchemes"
        for name in things
    }
    assert defined == used


def test_names_of_operations_are_unique() -> None:
    names = [operation["operationId"] for operation in operations().values()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("operation", operations().values(), ids=lambda operation: operation["operationId"])
def test_parameters_of_the_path_are_described(operation: dict[str, Any]) -> None:
    path = next(path for (path, _), one in operations().items() if one is operation)
    parameters = [resolve(one["$ref"]) if "$ref" in one else one for one in operation.get("parameters", [])]
    assert {one["name"] for one in parameters if one["in"] == "path"} == set(re.findall(r"{(\w+)}", path))
    assert all(one["required"] for one in parameters if one["in"] == "path")


def test_the_pages_to_be_read_hold_no_script_and_no_address_of_elsewhere() -> None:
    web = Path(app.__file__).parent / "web"
    for page in ((web / "api.html").read_text(), (web / "docs.html").read_text()):
        assert re.findall(r"<script[^>]*>(?!</script>)", page) == []
        assert "style=" not in page
    for name in ("api.html", "api.js", "api.css", "docs.html", "docs.js", "docs.css", "markdown.css"):
        text = (web / name).read_text()
        assert not re.search(r"https?://|innerHTML|insertAdjacentHTML|eval\(", text)


async def test_who_asks_in_another_way_is_told_every_method_of_the_path(redis: Redis) -> None:
    async with running(redis) as front, httpx.AsyncClient(base_url=front.url) as http:
        for path in DESCRIPTION["paths"]:
            methods = {method.upper() for of, method in operations() if of == path}
            answer = await http.options(path.replace("{page}", "start").replace("{", "").replace("}", ""))
            assert answer.status_code == 405
            assert set(answer.headers["allow"].split(", ")) == methods | ({"HEAD"} if "GET" in methods else set())
            assert answer.headers["allow"] in answer.json()["error"]["message"]
