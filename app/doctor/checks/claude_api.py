"""The Claude API, asked for what costs nothing: whether it is there, takes the key, knows the model; and its clock.

The rule: nothing that it says is repeated but names that we know.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx
import orjson

from app.dev.simulator.api import ORGANIZATION
from app.doctor.checks.clock import APART_SECONDS, apart
from app.doctor.finding import Finding, must, note, ok, warning
from app.doctor.patient import Patient
from app.settings import Settings, SettingsError, unusable
from app.upstream import BASE_URL, NO_KEY

SECONDS = 4.0
VERSION = "2023-06-01"
OK, REFUSED, NOT_FOUND, TOO_MANY = 200, (401, 403), 404, 429
HAS_EXPIRED = 10  # OpenSSL's number for it
# What lies beneath most of what goes wrong, and what to do about it.
_CAUSES = {
    "TimeoutError": "look at the network, and whether a proxy or a firewall swallows what is sent there",
    "gaierror": "its name is not known here: look at ANTHROPIC_BASE_URL and the machine's DNS",
    "ConnectionRefusedError": "nothing listens there: look at ANTHROPIC_BASE_URL",
    "SSLCertVerificationError": "its certificate is not trusted here: SSL_CERT_FILE names what is",
}


async def upstream(patient: Patient) -> list[Finding]:
    of = patient.settings
    if of.anthropic_api_key is None and of.anthropic_base_url is None:
        return []  # the settings' check says so
    try:
        answer = await _ask(of)
    except SettingsError as error:
        return [must(str(error))]
    except httpx.HTTPError as error:
        beneath = _beneath(error)
        cause = type(beneath).__name__
        do = _CAUSES.get(cause, "look at the network and its proxies")
        if isinstance(beneath, ssl.SSLCertVerificationError) and beneath.verify_code == HAS_EXPIRED:
            do = "its certificate has expired: whoever runs it has to renew it, if this machine's clock is right"
        return [must(f"{_host(of)} cannot be reached ({cause})", do)]
    found = [_judged(of, answer)]
    if answer.headers.get("anthropic-organization-id") == ORGANIZATION:
        found.append(
            note("it is the simulated Claude: its answers are made up", "fine for a try, and for nothing else")
        )
    return [*found, *_clock(answer)]


async def _ask(of: Settings) -> httpx.Response:
    """Raises `httpx.HTTPError`, and `SettingsError` where the variables of proxies and certificates cannot be used."""
    try:
        client = httpx.AsyncClient(
            base_url=of.anthropic_base_url or BASE_URL,
            headers={"authorization": f"Bearer {of.anthropic_api_key or NO_KEY}", "anthropic-version": VERSION},
            timeout=SECONDS,
            follow_redirects=False,
        )
    except (OSError, ValueError, ImportError, httpx.InvalidURL) as error:
        raise unusable(error) from None
    async with client:
        body = {"model": of.model, "messages": [{"role": "user", "content": "hello"}]}
        return await client.post("/v1/messages/count_tokens", json=body)


def _judged(of: Settings, answer: httpx.Response) -> Finding:
    host, status = _host(of), answer.status_code
    if status == OK:
        return ok(f"{host} takes the key and knows {of.model}")
    if status in REFUSED:
        return must(f"{host} refuses the key ({status})", "look at ANTHROPIC_API_KEY, and for which workspace it is")
    if status == TOO_MANY:
        return ok(f"{host} takes the key, and has no room just now (429)")
    if status == NOT_FOUND and _kind(answer) == "not_found_error":
        return must(f"{host} takes the key and does not know {of.model}", "look at KEEPSTREAM_MODEL")
    if status == NOT_FOUND:
        return warning(f"{host} does not count tokens (404)", "look at ANTHROPIC_BASE_URL, if it is meant to")
    return warning(f"{host} answers with status {status}", "ask again in a while, or look at ANTHROPIC_BASE_URL")


def _kind(answer: httpx.Response) -> str:
    try:
        return str(orjson.loads(answer.content)["error"]["type"])
    except (ValueError, LookupError, TypeError):
        return ""


def _clock(answer: httpx.Response) -> Iterator[Finding]:
    try:
        theirs = parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, ValueError):
        return
    seconds = theirs - time.time()
    if abs(seconds) > APART_SECONDS:
        yield warning(apart(seconds, "the Claude API's"), "set it, with NTP: tokens are judged by it")


def _host(of: Settings) -> str:
    return urlsplit(of.anthropic_base_url or BASE_URL).hostname or "the Claude API"


def _beneath(error: BaseException) -> BaseException:
    """What it came of."""
    seen = 0
    while (beneath := error.__cause__ or error.__context__) is not None and seen < 10:  # noqa: PLR2004
        error, seen = beneath, seen + 1
    return error
