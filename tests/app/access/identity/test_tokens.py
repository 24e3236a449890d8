"""Tokens: good ones, and all that strangers make of them."""

from __future__ import annotations

import base64
import hmac
import time
from collections.abc import Iterable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from app.access.caller import Caller, Refused
from app.access.identity.tokens import Tokens, tokens_of
from app.settings import Settings, SettingsError
from tests.harness.identity.tokens import SECRET, claims, ec_key, ed_key, public, raw, rsa_key, set_of, token

KEYS = {"RS256": rsa_key(), "PS512": rsa_key(), "ES256": ec_key(), "EdDSA": ed_key()}


def reading(**settings: Any) -> Tokens:
    found = tokens_of(Settings(**({"jwt_secret": SECRET} | settings)))
    assert found is not None
    return found


@pytest.fixture(scope="module")
def with_set(tmp_path_factory: pytest.TempPathFactory) -> Tokens:
    file = tmp_path_factory.mktemp("keys") / "jwks.json"
    file.write_text(set_of(public(rsa_key(), "r"), public(ec_key(), "e"), public(ed_key(), "o")))
    return reading(jwt_secret=None, jwt_jwks=str(file))


async def reason(tokens: Tokens, text: str) -> str:
    found = await tokens.caller_of(text)
    assert isinstance(found, Refused), found
    return found.reason


class TestGood:
    @pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
    async def test_one_that_is_signed_with_the_secret(self, algorithm: str) -> None:
        ends = int(time.time()) + 60
        found = await reading(jwt_secret="s" * 32).caller_of(token("s" * 32, algorithm, exp=ends))
        assert found == Caller("alice", expires_at=float(ends))

    @pytest.mark.parametrize("algorithm", KEYS)
    @pytest.mark.parametrize("named", [True, False])
    async def test_one_that_is_signed_with_a_key_of_the_set(
        self, with_set: Tokens, algorithm: str, *, named: bool
    ) -> None:
        kid = {"RS256": "r", "PS512": "r", "ES256": "e", "EdDSA": "o"}[algorithm]
        found = await with_set.caller_of(token(KEYS[algorithm], algorithm, kid if named else None))
        assert isinstance(found, Caller)

    async def test_clocks_may_differ_a_little(self) -> None:
        now = time.time()
        assert isinstance(await reading().caller_of(token(exp=now - 20, nbf=now + 20)), Caller)

    async def test_the_owner_is_the_claim_that_the_settings_name(self) -> None:
        found = await reading(jwt_owner_claim="email").caller_of(token(sub=7, email="a@b.example"))
        assert isinstance(found, Caller)
        assert found.owner == "a@b.example"

    async def test_of_issuer_and_audience_what_is_set_is_asked(self) -> None:
        strict = reading(jwt_issuer="https://idp.example", jwt_audience=("relay", "keepstream"))
        assert isinstance(await strict.caller_of(token(iss="https://idp.example", aud="relay")), Caller)
        assert isinstance(await strict.caller_of(token(iss="https://idp.example", aud=["x", "keepstream"])), Caller)
        assert isinstance(await reading().caller_of(token(iss="anybody", aud="anything", iat=2**40, jti=7)), Caller)

    async def test_our_claim_says_more(self) -> None:
        ours = {"delegate": True, "usd_per_day": 5}
        found = await reading().caller_of(token(ks=ours))
        assert isinstance(found, Caller)
        assert (found.delegate, found.admin, found.claims) == (True, False, ours)

    async def test_an_end_beyond_all_calendars_is_the_last_of_them(self) -> None:
        found = await reading().caller_of(token(exp=10**400))
        assert isinstance(found, Caller)
        assert found.expires_at == 253_402_300_799.0


class TestRefused:
    @pytest.mark.parametrize(
        ("changed", "why"),
        [
            ({"exp": None}, "token_claims"),
            ({"exp": 1}, "token_expired"),
            ({"exp": -(10**30)}, "token_expired"),
            ({"exp": "9999999999"}, "token_claims"),
            ({"exp": True}, "token_expired"),
            ({"exp": [1]}, "token_unknown"),
            ({"exp": float("inf")}, "token_unknown"),
            ({"exp": float("nan")}, "token_unknown"),
            ({"nbf": 2**40}, "token_early"),
            ({"nbf": "soon"}, "token_unknown"),
            ({"sub": None}, "token_claims"),
            ({"sub": 7}, "token_claims"),
            ({"sub": ""}, "token_claims"),
            ({"sub": "acme/bob"}, "token_claims"),
            ({"sub": "a\nb"}, "token_claims"),
            ({"sub": "x" * 256}, "token_claims"),
            ({"sub": "\ud800"}, "token_claims"),
            ({"ks": "delegate"}, "token_claims"),
            ({"ks": {"delegate": "true"}}, "token_claims"),
            ({"ks": {"admin": 1}}, "token_claims"),
        ],
    )
    async def test_what_it_says_has_to_be_whole(self, changed: dict[str, Any], why: str) -> None:
        assert await reason(reading(), token(**changed)) == why

    @pytest.mark.parametrize(
        "changed",
        [
            {"iss": None, "aud": "relay"},
            {"iss": "https://evil.example", "aud": "relay"},
            {"iss": ["https://idp.example"], "aud": "relay"},
            {"iss": "https://idp.example"},
            {"iss": "https://idp.example", "aud": "other"},
            {"iss": "https://idp.example", "aud": [["relay"]]},
            {"iss": "https://idp.example", "aud": {"relay": 1}},
        ],
    )
    async def test_another_issuer_s_or_audience_s(self, changed: dict[str, Any]) -> None:
        strict = reading(jwt_issuer="https://idp.example", jwt_audience=("relay",))
        assert await reason(strict, token(**changed)) in ("token_elsewhere", "token_unknown")

    async def test_of_a_wrong_signature_nothing_is_told(self) -> None:
        expired = token("another secret of thirty-two bytes", exp=1)
        assert await reason(reading(), expired) == "token_unknown"

    @pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", None, [], "HS1", "RS256", "ES256K"])
    async def test_no_algorithm_but_those_that_fit_the_key(self, algorithm: Any) -> None:
        assert await reason(reading(), raw({"alg": algorithm, "typ": "JWT"}, claims())) == "token_unknown"

    async def test_a_public_key_is_no_secret(self, with_set: Tokens) -> None:
        """Whoever can read it would sign with it."""
        pem = (
            rsa_key()
            .public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
        for secret in (pem, base64.b64encode(pem), set_of(public(rsa_key(), "r")).encode()):
            head = raw({"alg": "HS256", "kid": "r"}, 0).split(".")[0]
            assert await reason(with_set, _signed(head, claims(), secret)) == "token_unknown"
        with pytest.raises(SettingsError, match=r"^KEEPSTREAM_JWT_SECRET must be no public key"):
            reading(jwt_secret=pem.decode())

    @pytest.mark.parametrize("kid", ["", "x", "r\0", "../../dev/null", "' OR 1=1", "é", "r" * 9000, 7, ["r"], {"r": 1}])
    async def test_a_kid_is_a_name_and_nothing_else(self, with_set: Tokens, kid: Any) -> None:
        good = token(rsa_key(), "RS256")
        head = raw({"alg": "RS256", "kid": kid}, 0).split(".")[0]
        assert await reason(with_set, ".".join((head, *good.split(".")[1:]))) == "token_unknown"

    async def test_a_key_that_the_token_brings_itself_is_not_looked_at(self, with_set: Tokens) -> None:
        mine = rsa_key(2050)
        for extra in ({"jwk": public(mine)}, {"jku": "http://127.0.0.1/keys"}, {"x5u": "http://127.0.0.1/"}):
            forged = jwt.encode(claims(), mine, "RS256", headers={"kid": "r"} | extra)
            assert await reason(with_set, forged) == "token_unknown"

    async def test_what_must_be_understood_and_is_not(self) -> None:
        for header in ({"alg": "HS256", "crit": ["exp"]}, {"alg": "HS256", "b64": False, "crit": ["b64"]}):
            head = raw(header, 0).split(".")[0]
            assert await reason(reading(), _signed(head, claims(), SECRET.encode())) == "token_unknown"

    async def test_a_flipped_bit_anywhere(self) -> None:
        good, tokens = token(), reading()
        for place in range(len(good)):
            if good[place] != ".":
                other = "A" if good[place] != "A" else "B"
                changed = f"{good[:place]}{other}{good[place + 1 :]}"
                # The last sign of a part has bits to spare.
                if _parts(changed) != _parts(good):
                    assert await reason(tokens, changed)

    @pytest.mark.parametrize(
        "text",
        [
            "..",
            "a.b.c",
            ". . .",
            "é.é.é",
            "\udce4.b.c",
            raw([], {}),
            raw("a text", {}),
            raw(b"\xff", {}),
            raw(b"[" * 9000, {}),
            raw({"alg": "HS256"}, b"[" * 9000),
            raw({"alg": {"alg": "HS256"}}, {}),
            raw({"alg": "HS256"}, []),
            "e" * 20_000 + ".e.e",
        ],
    )
    async def test_what_is_no_token(self, text: str) -> None:
        assert await reason(reading(), text) == "token_unknown"

    async def test_one_with_a_good_signature_and_odd_words(self) -> None:
        head = token().split(".")[0]
        for payload in (b"[" * 9000, b"[]", b"null", b"\xff", b"9" * 5000, b'{"exp": ' + b"9" * 4000 + b"}"):
            assert await reason(reading(), _signed(head, payload, SECRET.encode()))

    @given(st.tuples(st.binary(max_size=60), st.binary(max_size=60), st.binary(max_size=40)))
    async def test_any_bytes_are_met_with_a_refusal(self, parts: Iterable[bytes]) -> None:
        text = ".".join(base64.urlsafe_b64encode(part).decode() for part in parts)
        assert await reason(reading(), text) == "token_unknown"


class TestSettings:
    def test_without_any_there_are_no_tokens(self) -> None:
        assert tokens_of(Settings()) is None

    @pytest.mark.parametrize(
        ("settings", "why"),
        [
            ({"jwt_secret": "x" * 31}, "KEEPSTREAM_JWT_SECRET must have 32 bytes or more"),
            ({"jwt_jwks": "keys.json"}, "not both"),
            ({"jwt_algorithms": ("RS256",)}, "KEEPSTREAM_JWT_ALGORITHMS: 'RS256' is none of KEEPSTREAM_JWT_SECRET's"),
            ({"jwt_algorithms": ("none",)}, "'none'"),
            ({"jwt_secret": None, "jwt_jwks": "keys.json", "jwt_algorithms": ("HS256",)}, "'HS256' is none of"),
            ({"jwt_secret": None, "jwt_jwks": "/nowhere/keys.json"}, "KEEPSTREAM_JWT_JWKS: cannot read"),
            ({"jwt_secret": None, "jwt_jwks": "http://idp.example/keys"}, "http:// one of this machine"),
            ({"jwt_secret": None, "jwt_jwks": "ftp://idp.example/keys"}, "must be a file"),
            ({"jwt_secret": None, "jwt_jwks": "https://"}, "must be a file"),
            ({"jwt_secret": None, "jwt_jwks": "https://idp.example:99999/"}, "must be a file"),
            ({"jwt_secret": None, "jwt_jwks": "https://[idp"}, "must be a file"),
            ({"jwt_secret": None, "jwt_jwks": "https://idp example"}, "must be a file"),
        ],
    )
    def test_what_cannot_be_used_is_said(self, settings: dict[str, Any], why: str) -> None:
        with pytest.raises(SettingsError, match=why):
            reading(**settings)

    async def test_algorithms_may_be_fewer(self) -> None:
        fewer = reading(jwt_algorithms=("HS512",))
        assert isinstance(await fewer.caller_of(token(algorithm="HS512")), Caller)
        assert await reason(fewer, token()) == "token_unknown"


def _signed(head: str, payload: Any, secret: bytes) -> str:
    """With HS256, whatever the secret."""
    text = f"{head}.{raw(0, payload).split('.')[1]}"
    return f"{text}.{raw(0, 0, hmac.digest(secret, text.encode(), 'sha256')).split('.')[2]}"


def _parts(text: str) -> list[bytes]:
    return [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in text.split(".")]
