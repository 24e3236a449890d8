"""What an answer cost, from the offline list of `genai-prices`; None where it does not know the model.

The rule: a price is a courtesy and never stands in a stream's way. The list is large and holds Python up for a fifth of
a second while it loads: it is loaded before the worker takes streams, and never among them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.stream.observing import tell
from app.watch.events import of_processes
from app.watch.events.subjects import word

PROVIDER = "anthropic"


def warm_up() -> None:
    """Loads the list. Takes some tenths of a second."""
    cost_usd("claude-sonnet-4-5", {"input_tokens": 1, "output_tokens": 1})


def cost_usd(model: str, usage: Mapping[str, Any]) -> float | None:
    """The price of `usage` (in the Messages API's shape) with `model`, in US dollars."""
    try:
        from genai_prices import Usage, calc_price  # noqa: PLC0415  # see the module

        cached, written = _count(usage, "cache_read_input_tokens"), _count(usage, "cache_creation_input_tokens")
        price = calc_price(
            Usage(
                # The API tells the three apart; the list counts the cached ones as input, too.
                input_tokens=_count(usage, "input_tokens") + cached + written,
                cache_read_tokens=cached,
                cache_write_tokens=written,
                output_tokens=_count(usage, "output_tokens"),
            ),
            model,
            provider_id=PROVIDER,
        )
        return round(float(price.total_price), 9)
    except LookupError:
        return None
    except Exception as error:  # noqa: BLE001  # somebody else's data about somebody else's prices: see the rule
        tell(of_processes.PriceUnknown(word(model), type(error).__name__))
        return None


def _count(usage: Mapping[str, Any], name: str) -> int:
    value = usage.get(name)
    return value if isinstance(value, int) else 0
