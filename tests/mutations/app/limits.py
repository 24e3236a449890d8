from __future__ import annotations

from tests.mutations.mutation import Mutation

ROWS = (
    Mutation(
        "an image that is only named is as few tokens as its name",
        "app/access/limits/asked.py",
        'if source.type == "base64" else 0)',
        'if source.type == "base64" else IMAGE_TOKENS)',
    ),
    Mutation(
        "any model may be asked for",
        "app/access/limits/may.py",
        "if not matches(asked.model, allowance.models):",
        "if False:",
    ),
    Mutation(
        "an answer of any length may be asked for",
        "app/access/limits/may.py",
        "if allowance.max_tokens is not None and asked.max_tokens > allowance.max_tokens:",
        "if False:",
    ),
    Mutation(
        "any beta may be asked for",
        "app/access/limits/may.py",
        "if not all(matches(beta, allowance.betas) for beta in asked.betas):",
        "if False:",
    ),
    Mutation(
        "tools that Anthropic runs are anybody's",
        "app/access/limits/may.py",
        "if allowance.server_tools is False and asked.server_tools:",
        "if False:",
    ),
    Mutation(
        "a token may give more than the file",
        "app/access/limits/limits_file.py",
        "tenant = tenant.stricter(_claimed(caller.claims))",
        "tenant = _claimed(caller.claims)",
    ),
    Mutation(
        "a field of limits that nobody knows is passed over",
        "app/access/limits/fields.py",
        "if name not in known:",
        "if name is None:",
    ),
    Mutation(
        "an unpriced model runs under a budget",
        "app/access/limits/demand.py",
        "if not all(allowance.unpriced for allowance in budgets):",
        "if False:",
    ),
    Mutation(
        "a tool input that looks like an image is one",
        "app/access/limits/asked.py",
        'if block.type == "image":',
        'if block.type in ("image", "document"):',
    ),
    Mutation(
        "readers are not counted",
        "app/access/limits/open_readers.py",
        "if most is not None and self._open[name] >= most:",
        "if False:",
    ),
    Mutation(
        "who leaves twice makes room for two",
        "app/access/limits/open_readers.py",
        "names, self._names = self._names, ()",
        "names = self._names",
    ),
    Mutation(
        "every address that ever asked is remembered",
        "app/access/limits/address_rates.py",
        "if len(self._missing) > ADDRESSES_MAX:",
        "if False:",
    ),
    Mutation(
        "each address of a host is another one",
        "app/access/limits/address_rates.py",
        "name, now = neighbourhood(address), self._clock()",
        "name, now = address, self._clock()",
    ),
)
