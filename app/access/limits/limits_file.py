"""`KEEPSTREAM_LIMITS_FILE`: how much each owner may. The form is that of app/docs/access.md.

Pure: what reads it again when it changes is `app.access.reloading`. The rule: the whole file is understood, or none of
it; its errors name the table and the field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.access.caller import Caller
from app.access.limits.allowance import UNLIMITED, Allowance, Granted
from app.access.limits.fields import RATES, FieldError, allowance_of
from app.access.limits.not_allowed import NotAllowedError
from app.settings import SettingsError
from app.toml_text import NotTOMLError, tables_of

NAME = "KEEPSTREAM_LIMITS_FILE"
TABLES = ("default", "owner", "user", "address")
# What a token's `ks` says besides limits.
RIGHTS = frozenset({"delegate", "admin"})


@dataclass(frozen=True, slots=True)
class LimitsFile:
    """What it says of each owner, of each user of one, and of each address."""

    default: Allowance = UNLIMITED
    owners: Mapping[str, Allowance] = field(default_factory=dict)
    user: Allowance = UNLIMITED
    address: Allowance = UNLIMITED

    def of(self, caller: Caller) -> Granted:
        """What a caller may, by the file and by its token. Raises `NotAllowedError` for a token that says nonsense."""
        tenant = self.owners.get(caller.tenant, self.default)
        if caller.claims:
            tenant = tenant.stricter(_claimed(caller.claims))
        if caller.user is None:
            return Granted(((caller.tenant, tenant),))
        return Granted(((caller.tenant, tenant), (caller.owner, self.user)))


NO_LIMITS = LimitsFile()


def limits_of(text: str) -> LimitsFile:
    """The file's text as a value. Raises `SettingsError`."""
    try:
        tables = tables_of(text)
    except NotTOMLError as error:
        raise SettingsError(f"{NAME}: is no TOML: {error}") from None
    if not tables:
        raise SettingsError(f"{NAME}: says nothing; it has tables {_named()}")
    for name, table in tables.items():
        if name not in TABLES:
            raise SettingsError(f"{NAME}: [{name}]: unknown table; known are {_named()}")
        if not isinstance(table, dict):
            raise SettingsError(f"{NAME}: {name}: must be a table, [{name}]")
    default, owners = tables.get("default", {}), tables.get("owner", {})
    for owner, table in owners.items():
        if not isinstance(table, dict):
            raise SettingsError(f"{NAME}: owner.{owner}: must be a table, [owner.{owner}]")
        if "/" in owner:
            raise SettingsError(f"{NAME}: [owner.{owner}]: no owner's name has a slash; [user] is for users")
    return LimitsFile(
        default=_read("default", default),
        owners={owner: _read(f"owner.{owner}", table, default) for owner, table in owners.items()},
        user=_read("user", tables.get("user", {})),
        address=_address(tables.get("address", {})),
    )


def _read(name: str, table: Mapping[str, Any], default: Mapping[str, Any] | None = None) -> Allowance:
    try:
        allowance_of(table)  # by itself, so that an error is this table's
        return allowance_of({**(default or {}), **table})
    except FieldError as error:
        raise SettingsError(f"{NAME}: [{name}] {error}") from None


def _address(table: Mapping[str, Any]) -> Allowance:
    try:
        return allowance_of(table, RATES)
    except FieldError as error:
        raise SettingsError(f"{NAME}: [address] {error}") from None


def _claimed(claims: Mapping[str, Any]) -> Allowance:
    try:
        return allowance_of({name: value for name, value in claims.items() if name not in RIGHTS})
    except FieldError as error:
        raise NotAllowedError(f"the token's claim ks: {error}") from None


def _named() -> str:
    return "[default], [owner.NAME], [user] and [address]"
