"""The catalogue is paged as the API pages: forwards, backwards, and no id twice or left out."""

from __future__ import annotations

from typing import Any

import pytest
from anthropic.types import ModelInfo

from app.dev.simulator.rules.errors import ApiError
from app.dev.simulator.rules.models import MODELS, page, retrieve

IDS = [model["id"] for model in MODELS]


@pytest.mark.parametrize("limit", [1, 2, 3, len(IDS), 1000])
@pytest.mark.parametrize("forwards", [True, False])
def test_its_pages_are_the_catalogue(limit: int, forwards: bool) -> None:  # noqa: FBT001
    found: list[str] = []
    query = {"limit": str(limit)} if forwards else {"limit": str(limit), "before_id": IDS[-1]}
    while True:
        told = page(query)
        ids = [model["id"] for model in told["data"]]
        assert (told["first_id"], told["last_id"]) == (ids[0], ids[-1])
        found = found + ids if forwards else ids + found
        if not told["has_more"]:
            break
        query = query | ({"after_id": ids[-1]} if forwards else {"before_id": ids[0]})
    assert found == (IDS if forwards else IDS[:-1])


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "1001"}, {"limit": "x"}, {"after_id": "x"}, {"before_id": "x"}]
)
def test_what_cannot_be_meant_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(ApiError) as refused:
        page(query)
    assert refused.value.status == 400


def test_one_is_found_by_its_id() -> None:
    assert retrieve(IDS[0]) is MODELS[0]
    with pytest.raises(ApiError) as refused:
        retrieve("claude-nothing")
    assert refused.value.status == 404


@pytest.mark.parametrize("model", MODELS, ids=IDS)
def test_what_it_says_of_a_model_is_what_the_sdk_knows_of_one(model: dict[str, Any]) -> None:
    told = ModelInfo.model_validate(model).capabilities
    assert told is not None
    assert told.thinking.types.adaptive.supported is not told.thinking.types.enabled.supported
