"""What an answer thinks before it speaks, and the signatures by which it is known again. Pure.

A signature is that of exactly its text: as with the API, a thinking block that comes back changed is refused.
"""

from hashlib import blake2b

_SIGNATURE = "EqQBCgIYAhIkc2ltdWxhdGVkLXNpZ25hdHVyZS1ub3QtdG8tYmUtdmVyaWZpZWQaDOWlvei/kOaAjiJAc2ltdWxhdGVk" * 2
REDACTED = "EmwKAhgBEgxzaW11bGF0ZWQtZGF0YS1ub3QtdG8tYmUtcmVhZBoMc2ltdWxhdGVkLWtleSIwc2ltdWxhdGVkLW5vbmNl" * 2


def signature(thinking: str) -> str:
    return _SIGNATURE + blake2b(thinking.encode("utf-8", "surrogatepass"), digest_size=24).hexdigest()
