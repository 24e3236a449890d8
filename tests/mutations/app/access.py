from __future__ import annotations

from tests.mutations.mutation import Mutation

ROWS = (
    Mutation(
        "a front that asks nobody listens to the world",
        "app/access/closed.py",
        'if settings.asks_nobody and not is_loopback(address) and settings.auth != "none":',
        "if False:",
    ),
    Mutation(
        "a stranger's X-Forwarded-For is believed",
        "app/access/addresses.py",
        "    if not trusted or not _is_trusted(address, trusted):\n        return _Seen(str(address)",
        "    if not trusted:\n        return _Seen(str(address)",
    ),
    Mutation(
        "X-Forwarded-For is read from its beginning",
        "app/access/addresses.py",
        "        for entry in reversed(line.rsplit(",
        "        for entry in list(line.rsplit(",
    ),
    Mutation(
        "who comes through a proxy is on this machine",
        "app/access/addresses.py",
        "certain=not is_passed_on(scope))",
        "certain=True)",
    ),
    Mutation(
        "a stranger's X-Forwarded-Proto is believed",
        "app/access/addresses.py",
        "    if not trusted or not _is_trusted(_parsed(_peer(scope)), trusted):",
        "    if not trusted:",
    ),
    Mutation(
        "a ticket's seal is not looked at",
        "app/access/passes/tickets.py",
        "    if not hmac.compare_digest(seal, _seal(secret, facts)):",
        "    if False:",
    ),
    Mutation(
        "a ticket that has ended opens what it opened",
        "app/access/passes/tickets.py",
        " if now_ms < expires_ms else None",
        "",
    ),
    Mutation(
        "a ticket lives as long as it was asked to",
        "app/access/passes/office.py",
        "self._seconds if seconds is None else min(seconds, self._seconds)",
        "self._seconds if seconds is None else seconds",
    ),
    Mutation(
        "fronts that begin at once do not agree on a secret",
        "app/access/passes/office.py",
        "ours, nx=True, ex=",
        "ours, ex=",
    ),
    Mutation(
        "a secret that is known is not enough while Redis is away",
        "app/access/passes/office.py",
        "            if self._secret is None:\n                self._known_at = before\n                raise",
        "            raise",
    ),
    Mutation(
        "a file that is half written is taken as it stands",
        "app/access/reloading.py",
        "        if data != self._last:\n",
        "        if False:\n",
    ),
    Mutation(
        "a file that everybody may write says who comes in",
        "app/access/reloading.py",
        "            if mode & stat.S_IWOTH:",
        "            if False:",
    ),
    Mutation(
        "a file that makes no sense takes everybody's key away",
        "app/access/reloading.py",
        "        return Reloaded(outcome, self.value, self._trouble)",
        "        return Reloaded(outcome, type(self.value)(), self._trouble)",
    ),
    Mutation(
        "a key has no end",
        "app/access/identity/keys_file.py",
        "        return self.ends_at is not None and now >= self.ends_at",
        "        return False",
    ),
    Mutation(
        "whoever has a key acts for anybody",
        "app/access/identity/entrance.py",
        "    if not caller.delegate:",
        "    if False:",
    ),
    Mutation(
        "a user has the rights of the key that acts for it",
        "app/access/identity/entrance.py",
        "    return replace(caller, user=users[0], delegate=False, admin=False)",
        "    return replace(caller, user=users[0])",
    ),
    Mutation(
        "of two who change the keys at once one loses its own",
        "app/access/identity/keys_editing.py",
        "        fcntl.flock(at, fcntl.LOCK_EX)",
        "        pass",
    ),
    Mutation(
        "a token of no set algorithm is read",
        "app/access/identity/tokens.py",
        "        if algorithm not in self._rules.algorithms:",
        "        if not algorithm:",
    ),
    Mutation(
        "a token may be of any issuer and for any audience",
        "app/access/identity/tokens.py",
        '            "verify_iss": rules.issuer is not None,\n            "verify_aud": bool(rules.audience),',
        '            "verify_iss": False,\n            "verify_aud": False,',
    ),
    Mutation(
        "a public key may be used by any algorithm",
        "app/access/identity/jwk_set.py",
        "if kid in (None, one.kid) and algorithm in one.algorithms)",
        "if kid in (None, one.kid))",
    ),
    Mutation(
        "an owner may be called as another's user",
        "app/access/caller.py",
        ' and "/" not in name',
        "",
    ),
    Mutation(
        "each unknown key is a question to the issuer",
        "app/access/identity/jwks_remote.py",
        "            if now - self._anew_at < ANEW_SECONDS:",
        "            if False:",
    ),
    Mutation(
        "an issuer's answer may be of any size",
        "app/access/identity/jwks_remote.py",
        "                if len(told) > SET_BYTES_MAX:",
        "                if False:",
    ),
    Mutation(
        "a session outlives its token",
        "app/access/passes/sessions.py",
        "            life_ms = max(1, min(life_ms, int((expires_at - now) * 1000)))",
        "            pass",
    ),
    Mutation(
        "an owner has any number of sessions",
        "app/access/passes/sessions.py",
        "        if oldest:",
        "        if False:",
    ),
    Mutation(
        "the session's cookie stands in Redis",
        "app/access/passes/sessions.py",
        "    return hashlib.sha256(value.encode()).hexdigest()",
        "    return value",
    ),
)
