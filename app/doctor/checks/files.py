"""The files of rules, as a front or a worker would read them now: keys, limits, prices, the screen, secrets."""

from __future__ import annotations

import asyncio
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from app.access.identity.keys_file import Key, keys_of
from app.access.limits.in_force import LimitsInForce
from app.access.passes.office import check_secret
from app.access.reloading import read_trusted
from app.access.screening.chosen import chosen
from app.doctor.finding import Finding, must, note, ok, warning
from app.doctor.patient import Patient
from app.prices import Prices
from app.settings import SECRET_FILES, Settings, SettingsError

SOON_DAYS = 14
_DAY_SECONDS = 86_400
# Where orchestrators put secrets, in a way of their own.
_MOUNTED = ("/run/secrets", "/var/run/secrets")


async def keys(patient: Patient) -> list[Finding]:
    return await asyncio.to_thread(_keys, patient.settings)


def _keys(settings: Settings) -> list[Finding]:
    if settings.api_keys_file is None:
        if settings.asks_nobody:
            return [warning("nobody is asked who they are", "see `keepstream keys`, or keep it to this machine")]
        return [ok("there is no file of keys: callers have tokens")]
    name, path = "KEEPSTREAM_API_KEYS_FILE", Path(settings.api_keys_file)
    try:
        found = list(keys_of(read_trusted(name, path)).values())
    except SettingsError as error:
        return [must(str(error))]
    if not found:
        return [must(f"{path} names no key: no front starts with it", "make one with `keepstream keys`")]
    return [ok(f"{len(found)} in {path}"), *_ends(found)]


def _ends(keys: list[Key]) -> Iterator[Finding]:
    now = time.time()
    over = [key for key in keys if key.is_over(now)]
    if over:
        text = f"{len(over)} of {len(keys)} keys have expired"
        if len(over) == len(keys):
            yield must(f"{text}: nobody is let in", "make one with `keepstream keys`")
        else:
            yield note(text, f"take their lines out ({_owners(over)})")
    if soon := [key for key in keys if key not in over and key.is_over(now + SOON_DAYS * _DAY_SECONDS)]:
        yield warning(
            f"{len(soon)} of {len(keys)} keys expire within {SOON_DAYS} days", f"give others to {_owners(soon)}"
        )


def _owners(keys: list[Key]) -> str:
    named = sorted({key.owner for key in keys})
    return ", ".join(named[:5]) + (" and others" if len(named) > 5 else "")  # noqa: PLR2004


async def limits(patient: Patient) -> list[Finding]:
    path = patient.settings.limits_file
    if path is None:
        return [note("no owner has a limit", "KEEPSTREAM_LIMITS_FILE bounds what each may spend")]
    try:
        file = (await asyncio.to_thread(LimitsInForce, path)).file
    except SettingsError as error:
        return [must(str(error))]
    return [ok(f"of {len(file.owners)} owners and of all others, in {path}")]


async def prices(patient: Patient) -> list[Finding]:
    of = patient.settings
    try:
        priced = await asyncio.to_thread(Prices, of.prices_file)
    except SettingsError as error:
        return [must(str(error))]
    if unpriced := sorted({model for model in (of.model, *of.chat_models) if priced.of(model) is None}):
        return [
            warning(
                f"no price is known of {', '.join(unpriced)}: what it costs is told nobody, and counts for no budget",
                "give it in KEEPSTREAM_PRICES_FILE",
            )
        ]
    return [ok(f"of {of.model}: known{f', {of.prices_file} first' if of.prices_file else ''}")]


async def screen(patient: Patient) -> list[Finding]:
    try:
        found = await asyncio.to_thread(chosen, patient.settings)
    except SettingsError as error:
        return [must(str(error))]
    return [ok(f"{patient.settings.screen}" if found is not None else "none: every prompt passes")]


async def secrets(patient: Patient) -> list[Finding]:
    return await asyncio.to_thread(_secrets, patient)


def _secrets(patient: Patient) -> list[Finding]:
    try:
        check_secret(patient.settings.ticket_secret)
    except SettingsError as error:
        return [must(str(error))]
    named = sorted(
        {"REDIS_URL_FILE", "STREAMS_REDIS_URL_FILE", "ANTHROPIC_API_KEY_FILE", *SECRET_FILES} & patient.environ.keys()
    )
    files = {name: patient.environ[name].strip() for name in named}
    if patient.settings.tls_key is not None:
        files["KEEPSTREAM_TLS_KEY"] = patient.settings.tls_key
    found = [
        warning(f"{name}: everybody here may read {file}", "chmod 600 it")
        for name, file in files.items()
        if file and not file.startswith(_MOUNTED) and _open(file)
    ]
    return found or [ok("none stands in a file that others may read" if files else "none comes as a file")]


def _open(file: str) -> bool:
    try:
        return bool(Path(file).stat().st_mode & stat.S_IROTH)
    except OSError:
        return False  # whoever needs it says so
