"""The file as access.md shows it, and every way in which it may be wrong."""

from __future__ import annotations

from typing import Any

import pytest

from app.access.caller import Caller
from app.access.limits.allowance import Allowance
from app.access.limits.limits_file import NO_LIMITS, limits_of
from app.access.limits.not_allowed import NotAllowedError
from app.settings import SettingsError

WHOLE = """
[default]
models = ["claude-*"]
max_tokens = 32000
betas = ["*"]
server_tools = true
requests_per_minute = 60
concurrent_streams = 20
open_readers = 200
output_tokens_per_minute = 80000
usd_per_day = 5.0
usd_per_month = 100.0
weight = 1
delivery = "progressive"

[owner.alice]
usd_per_day = 50.0
unpriced = "allow"

[owner."a.b@c"]
burst = 3

[user]
requests_per_minute = 20

[address]
requests_per_minute = 600
"""


def of(name: str, user: str | None = None, **claims: Any) -> list[tuple[str, Allowance]]:
    return list(limits_of(WHOLE).of(Caller(name, user, claims=claims or None)).accounts)


def test_each_field_is_read_and_money_is_exact() -> None:
    [(name, bob)] = of("bob")
    assert name == "bob"
    assert bob == Allowance(
        models=(("claude-*",),),
        max_tokens=32_000,
        betas=(("*",),),
        server_tools=True,
        requests_per_minute=60,
        concurrent_streams=20,
        open_readers=200,
        output_tokens_per_minute=80_000,
        nano_per_day=5 * 10**9,
        nano_per_month=100 * 10**9,
        weight=1.0,
        final=False,
    )
    assert limits_of("[default]\nusd_per_day = 0.1").default.nano_per_day == 10**8


def test_an_owners_table_replaces_the_default_field_by_field() -> None:
    [(_, alice)] = of("alice")
    assert (alice.nano_per_day, alice.nano_per_month, alice.unpriced) == (50 * 10**9, 100 * 10**9, True)
    [(_, other)] = of("a.b@c")
    assert (other.at_once, other.max_tokens) == (3, 32_000)


def test_a_user_counts_for_the_tenant_and_by_a_table_of_its_own() -> None:
    (tenant, default), (name, user) = of("acme", "bob")
    assert (tenant, name) == ("acme", "acme/bob")
    assert default.requests_per_minute == 60
    assert user == Allowance(requests_per_minute=20)


def test_of_a_token_and_the_file_the_stricter_counts() -> None:
    [(_, bob)] = of("bob", delegate=True, usd_per_day=1, models=["*-haiku-*"], requests_per_minute=600)
    assert (bob.nano_per_day, bob.requests_per_minute) == (10**9, 60)
    assert bob.models == (("claude-*",), ("*-haiku-*",))
    (_, tenant), (_, user) = of("acme", "bob", delegate=True, max_tokens=5)
    assert (tenant.max_tokens, user.max_tokens) == (5, None)


@pytest.mark.parametrize(
    "claims", [{"usd_per_dya": 1}, {"usd_per_day": "1"}, {"max_tokens": 1.5}, {"models": "*"}, {"usd_per_day": 10**400}]
)
def test_a_token_that_says_nonsense_opens_nothing(claims: dict[str, Any]) -> None:
    with pytest.raises(NotAllowedError, match=f"claim ks: {next(iter(claims))}: "):
        of("bob", **claims)


def test_without_a_file_everything_is_unlimited_and_a_token_still_counts() -> None:
    assert NO_LIMITS.of(Caller("a")).accounts == (("a", Allowance()),)
    [(_, found)] = NO_LIMITS.of(Caller("a", claims={"max_tokens": 3})).accounts
    assert found == Allowance(max_tokens=3)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "says nothing"),
        ("# nothing\n", "says nothing"),
        ("[default\n", "is no TOML: at line 1"),
        ("[default]\nweight = nan", "weight: must be a number from 0.001 to 1000"),
        ("[default]\ncache = nan", "cache: must be a number from 0"),
        ("[default]\nusd_per_day = 1" + "0" * 400, "usd_per_day: must be US dollars"),
        ("[default]\nweight = 1e99999999999999999999", "is no TOML: it has a number"),
        ("a = 1\n", r"\[a\]: unknown table"),
        ("[defaults]\n", r"\[defaults\]: unknown table"),
        ("default = 1\n", r"default: must be a table"),
        ("[owner]\nalice = 3\n", r"owner.alice: must be a table"),
        ('[owner."a/b"]\nweight = 1\n', "no owner's name has a slash"),
        ("[default]\nrpm = 3\n", r"\[default\] rpm: unknown field"),
        ("[owner.alice]\nusd_per_day = '5'\n", r"\[owner.alice\] usd_per_day: must be US dollars"),
        ("[default]\nusd_per_day = -1\n", "usd_per_day: must be"),
        ("[default]\nusd_per_day = nan\n", "usd_per_day: must be"),
        ("[default]\nusd_per_day = inf\n", "usd_per_day: must be"),
        ("[default]\nusd_per_day = true\n", "usd_per_day: must be"),
        ("[default]\nmax_tokens = 0\n", "max_tokens: must be a whole number"),
        ("[default]\nmax_tokens = 1.0\n", "max_tokens: must be a whole number"),
        ("[default]\nrequests_per_minute = true\n", "requests_per_minute: must be a whole number"),
        ("[default]\nserver_tools = 1\n", "server_tools: must be true or false"),
        ('[default]\nmodels = "claude-*"\n', "models: must be a list of shell patterns"),
        ("[default]\nmodels = [1]\n", "models: must be a list of shell patterns"),
        ('[default]\nmodels = [""]\n', "models: must be a list of shell patterns"),
        ('[default]\nmodels = ["claude-[a"]\n', "models: must be a list of shell patterns"),
        ('[default]\nbetas = ["a\\u0000"]\n', "betas: must be a list of shell patterns"),
        ('[default]\ndelivery = "last"\n', "delivery: must be"),
        ('[default]\nunpriced = "yes"\n', "unpriced: must be"),
        ("[default]\nweight = 0\n", "weight: must be a number"),
        ("[user]\nrpm = 1\n", r"\[user\] rpm"),
        ("[address]\nusd_per_day = 1\n", r"\[address\] usd_per_day: unknown field"),
    ],
)
def test_what_is_wrong_is_named(text: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told) as error:
        limits_of(text)
    assert str(error.value).startswith("KEEPSTREAM_LIMITS_FILE: ")


@pytest.mark.parametrize("pattern", ["claude-[ab]*", "[!a]*", "[]]", "*", "claude-?"])
def test_patterns_of_a_shell_are_taken(pattern: str) -> None:
    assert limits_of(f'[default]\nmodels = ["{pattern}"]').default.models == ((pattern,),)


def test_the_least_weight_is_one() -> None:
    assert limits_of("[default]\nweight = 0.001\n").default.weight == 0.001
