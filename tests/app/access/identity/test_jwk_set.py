from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from app.access.identity import jwk_set
from app.access.identity.jwk_set import jwks_of
from app.settings import SettingsError
from tests.harness.identity.tokens import ec_key, ed_key, public, rsa_key, set_of

RSA = public(rsa_key(), "r")
EC = public(ec_key(), "e")


def test_a_key_is_for_what_it_is() -> None:
    keys = jwks_of(set_of(RSA, EC, public(ed_key(), "o")))
    assert [(key.kid, sorted(key.algorithms)) for key in keys.keys] == [
        ("r", ["PS256", "PS384", "PS512", "RS256", "RS384", "RS512"]),
        ("e", ["ES256"]),
        ("o", ["EdDSA"]),
    ]


def test_a_key_that_names_its_algorithm_is_for_no_other() -> None:
    (key,) = jwks_of(set_of(RSA | {"alg": "PS384"})).keys
    assert key.algorithms == {"PS384"}


def test_a_token_is_tried_with_the_key_that_it_names() -> None:
    keys = jwks_of(set_of(RSA, EC, RSA | {"kid": "other"}))
    assert [len(keys.fitting(kid, "RS256")) for kid in ("r", "e", "unknown", None)] == [1, 0, 0, 2]
    assert [keys.knows(kid) for kid in ("r", "e", "unknown", None)] == [True, True, False, False]
    assert keys.fitting("r", "HS256") == []


def test_a_token_that_names_no_key_is_tried_with_a_few() -> None:
    keys = jwks_of(set_of(*[EC | {"kid": str(number)} for number in range(20)]))
    assert len(keys.fitting(None, "ES256")) == jwk_set.TRIED_MAX


@pytest.mark.parametrize(
    "unusable",
    [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "s"},
        RSA | {"use": "enc"},
        RSA | {"key_ops": ["encrypt"]},
        RSA | {"key_ops": "verify"},
        RSA | {"alg": "HS256"},
        RSA | {"alg": "none"},
        RSA | {"alg": ["RS256"]},
        RSA | {"kid": 7},
        RSA | {"n": "AQAB"},
        RSA | {"n": None},
        RSA | {"kty": ["RSA"]},
        EC | {"x": "AQAB"},
        EC | {"crv": "secp256k1"},
        EC | {"crv": {"P": 256}},
        {"kty": "OKP", "crv": "X25519", "x": "AQAB"},
        {},
        "a text",
        None,
    ],
)
def test_what_cannot_be_used_is_left_out(unusable: Any) -> None:
    (key,) = jwks_of(set_of(unusable, public(ed_key()))).keys
    assert key.algorithms == {"EdDSA"}
    with pytest.raises(SettingsError, match="no public key"):
        jwks_of(set_of(unusable))


def test_a_key_that_is_too_weak_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jwk_set, "RSA_BITS", range(3072, 4096))
    with pytest.raises(SettingsError, match="no public key"):
        jwks_of(set_of(RSA))


def test_the_private_half_of_a_key_is_not_read() -> None:
    whole = RSAAlgorithm.to_jwk(rsa_key(), as_dict=True)
    assert "d" in whole
    (key,) = jwks_of(set_of({name: value for name, value in whole.items() if name != "key_ops"})).keys
    assert isinstance(key.key, rsa.RSAPublicKey)


@pytest.mark.parametrize(
    "text",
    ["", "<html>", "[]", "{}", '{"keys": {}}', '{"keys": [' + "1," * 1000 + "1]}", "[" * 100_000, " " * 2_000_000],
)
def test_what_is_no_set_is_refused_in_words_of_ours(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^KEEPSTREAM_JWT_JWKS: "):
        jwks_of(text)
