"""Tokens (JWT): whether one is good, and who its bearer is.

The rule: nothing a token says is believed before its signature is, which is checked by a key of ours and by an
algorithm that fits the key; and a good token that does not say who it is for, or until when, or says it oddly, is none.
What is wrong with a token is told to its bearer only where the signature is right.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jwt

from app.access.caller import Caller, Refused, Why, is_tenant
from app.access.identity.jwk_set import NAME, SET_ALGORITHMS
from app.access.identity.token_keys import SECRET_ALGORITHMS, SECRET_NAME, KeySource, Secret, source_at
from app.settings import Settings, SettingsError
from app.stream.concurrency.tasks import Supervised

# By how much the clocks of who issues tokens and of a front may differ.
LEEWAY_SECONDS = 30.0
# Tokens of large companies, with all groups of their bearer, have half of it.
TOKEN_BYTES_MAX = 16 * 1024
# The end of the year 9999: later is never.
LATEST = 253_402_300_799.0
CLAIM = "ks"

_UNKNOWN = Refused(Why.UNKNOWN, "send a valid token as Authorization: Bearer", "token_unknown")
_EXPIRED = Refused(Why.UNKNOWN, "the token has expired; get another", "token_expired")
_EARLY = Refused(
    Why.UNKNOWN, "the token is not valid yet; do the clocks of its issuer and of this server agree?", "token_early"
)
_ELSEWHERE = Refused(Why.UNKNOWN, "the token is of another issuer, or for another audience", "token_elsewhere")
_NO_END = Refused(Why.UNKNOWN, "the token must say as a number when it ends (exp)", "token_claims")
_ODD_CLAIM = Refused(
    Why.UNKNOWN,
    f"the token's claim {CLAIM} must be an object, in which delegate and admin are true or false",
    "token_claims",
)


@dataclass(frozen=True, slots=True)
class Rules:
    """What a token has to be. Of several audiences it has to name one."""

    algorithms: frozenset[str]
    issuer: str | None = None
    audience: tuple[str, ...] = ()
    owner_claim: str = "sub"


class Tokens:
    def __init__(self, rules: Rules, source: KeySource) -> None:
        self._rules = rules
        self._source = source
        required = ["exp", *(["iss"] if rules.issuer else []), *(["aud"] if rules.audience else [])]
        self._options: Any = {
            "require": required,
            "verify_iss": rules.issuer is not None,
            "verify_aud": bool(rules.audience),
            # What nobody here asks for may be as its issuer likes it.
            **dict.fromkeys(("verify_iat", "verify_sub", "verify_jti"), False),
        }
        # Our own bound is the secret's, whichever of the three algorithms it is used with.
        warnings.filterwarnings("ignore", category=jwt.InsecureKeyLengthWarning)

    @property
    def tasks(self) -> Sequence[Supervised]:
        return self._source.tasks

    async def look(self) -> None:
        """Looks for keys at a start. Raises `SettingsError` where there are none to be had."""
        await self._source.look()

    async def aclose(self) -> None:
        await self._source.aclose()

    async def caller_of(self, token: str) -> Caller | Refused:
        algorithm, kid = _signature_of(token)
        if algorithm not in self._rules.algorithms:
            return _UNKNOWN
        claims = self._claims_of(token, algorithm, await self._source.fitting(kid, algorithm))
        if claims is None and kid is None and await self._source.anew():
            claims = self._claims_of(token, algorithm, await self._source.fitting(kid, algorithm))
        match claims:
            case None:
                return _UNKNOWN
            case Refused():
                return claims
            case _:
                return self._caller_with(claims)

    def _claims_of(self, token: str, algorithm: str, keys: Sequence[Any]) -> Mapping[str, Any] | Refused | None:
        """What a token says, None where none of the keys has signed it."""
        rules = self._rules
        for key in keys:
            try:
                claims: dict[str, Any] = jwt.decode(
                    token,
                    key,
                    algorithms=[algorithm],
                    audience=rules.audience or None,
                    issuer=rules.issuer,
                    leeway=LEEWAY_SECONDS,
                    options=self._options,
                )
            except jwt.InvalidSignatureError:
                continue
            except jwt.ExpiredSignatureError:
                return _EXPIRED
            except jwt.ImmatureSignatureError:
                return _EARLY
            except (jwt.InvalidAudienceError, jwt.InvalidIssuerError):
                return _ELSEWHERE
            except jwt.MissingRequiredClaimError as error:
                return _NO_END if error.claim == "exp" else _ELSEWHERE
            except (jwt.PyJWTError, ValueError, TypeError, ArithmeticError, RecursionError):
                return _UNKNOWN  # whatever a stranger's bytes are
            return claims
        return None

    def _caller_with(self, claims: Mapping[str, Any]) -> Caller | Refused:
        ends, owner, ours = claims["exp"], claims.get(self._rules.owner_claim), claims.get(CLAIM)
        if isinstance(ends, bool) or not isinstance(ends, int | float) or not math.isfinite(min(ends, LATEST)):
            return _NO_END
        if not isinstance(owner, str) or not is_tenant(owner):
            words = f"the token's claim {self._rules.owner_claim} must name an owner, without a /"
            return Refused(Why.UNKNOWN, words, "token_claims")
        rights = {} if ours is None else ours
        if not isinstance(rights, dict) or any(
            type(rights.get(name, False)) is not bool for name in ("delegate", "admin")
        ):
            return _ODD_CLAIM
        return Caller(
            owner,
            delegate=rights.get("delegate", False),
            admin=rights.get("admin", False),
            claims=ours,
            expires_at=float(min(ends, LATEST)),
        )


def _signature_of(token: str) -> tuple[str, str | None]:
    """By which algorithm a token says it is signed, and with which key; no algorithm for what is no token."""
    if len(token) > TOKEN_BYTES_MAX or not token.isascii():
        return "", None
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        return "", None
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or not isinstance(kid, str | None):
        return "", None
    return algorithm, kid


def tokens_of(settings: Settings) -> Tokens | None:
    """As the settings say; None where they say nothing of tokens. Raises `SettingsError`."""
    secret, jwks = settings.jwt_secret, settings.jwt_jwks
    if secret is not None and jwks is not None:
        raise SettingsError(f"set {SECRET_NAME} or {NAME}, not both")
    if secret is None and jwks is None:
        return None
    able = SET_ALGORITHMS if secret is None else SECRET_ALGORITHMS
    for name in settings.jwt_algorithms:
        if name not in able:
            kind = NAME if secret is None else SECRET_NAME
            raise SettingsError(f"KEEPSTREAM_JWT_ALGORITHMS: {name!r} is none of {kind}'s: {', '.join(able)}")
    rules = Rules(
        algorithms=frozenset(settings.jwt_algorithms or able),
        issuer=settings.jwt_issuer,
        audience=settings.jwt_audience,
        owner_claim=settings.jwt_owner_claim,
    )
    return Tokens(rules, Secret(secret) if secret is not None else source_at(jwks or ""))
