"""Keys and tokens as an issuer has them."""

from __future__ import annotations

import base64
import json
import time
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

SECRET = "a secret of thirty-two bytes, or m"


@cache
def rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    """Made once: it takes a moment."""
    return rsa.generate_private_key(public_exponent=65_537, key_size=bits)


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def ed_key() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


def public(key: Any, kid: str | None = None, **more: Any) -> dict[str, Any]:
    """A key's public half, as a set has it."""
    match key:
        case rsa.RSAPrivateKey():
            said = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
        case ec.EllipticCurvePrivateKey():
            said = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
        case _:
            said = OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
    said.pop("key_ops", None)
    return said | ({} if kid is None else {"kid": kid}) | more


def set_of(*keys: dict[str, Any]) -> str:
    return json.dumps({"keys": keys})


def claims(**changed: Any) -> dict[str, Any]:
    """Good ones; what is changed to None is left out."""
    said = {"sub": "alice", "exp": int(time.time()) + 600} | changed
    return {name: value for name, value in said.items() if value is not None}


def token(key: Any = SECRET, algorithm: str = "HS256", kid: str | None = None, **changed: Any) -> str:
    # Not by `jwt.encode`, which would not say what is odd.
    said = json.dumps(claims(**changed)).encode()
    return jwt.PyJWS().encode(said, key, algorithm, headers=None if kid is None else {"kid": kid})


def raw(header: Any, payload: Any, signature: bytes = b"") -> str:
    """A token of any parts, however odd."""
    parts = (part if isinstance(part, bytes) else json.dumps(part).encode() for part in (header, payload, signature))
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
