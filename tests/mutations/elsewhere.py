from __future__ import annotations

from tests.mutations.mutation import Mutation

ROWS = (
    Mutation(
        "a worker says nothing of a misspelt setting",
        "worker/main.py",
        "for setting in unknown(os.environ):",
        "for setting in ():",
    ),
    Mutation(
        "a front's own host is judged by what it is called",
        "app/main.py",
        "door(front.settings, at or front.settings.host)",
        "door(front.settings, front.settings.host)",
    ),
    Mutation(
        "a front is ready whatever became of its beat",
        "app/main.py",
        "(channel, accords, *beat.tasks, sweeper, *reloads)",
        "(channel, accords, sweeper, *reloads)",
    ),
    Mutation(
        "service links are settings",
        "app/environment.py",
        "    if not _SERVICE_LINK.fullmatch(name):",
        "    if True:",
    ),
    Mutation(
        "the upstream's answer to a short call may be of any size",
        "app/upstream.py",
        "if len(told) > REPLY_BYTES:",
        "if False:",
    ),
    Mutation(
        "all users of a machine may read what dev keeps",
        "app/dev/plan.py",
        "        directory.chmod(0o700)",
        "        directory.chmod(0o755)",
    ),
    Mutation(
        "what is deleted stays in the file of dev",
        "app/dev/forget.py",
        "                    await redis.bgrewriteaof()",
        "                    await redis.ping()",
    ),
    Mutation(
        "the edge does not wait for a front that restarts",
        "deploy/Caddyfile",
        "\t\tlb_try_duration 30s\n",
        "",
    ),
    Mutation(
        "a long prompt costs as little as a short one",
        "app/prices/price.py",
        "            if prompt_tokens > above:\n",
        "            if False:\n",
    ),
    Mutation(
        "less is reserved than a call may cost",
        "app/prices/price.py",
        "        dearest = max(rate.most(input_tokens) for rate in ways_in)\n",
        "        dearest = self.input.most(input_tokens)\n",
    ),
    Mutation(
        "what another model did is priced as the one's that answered",
        "app/prices/__init__.py",
        "self.of(part.model or model)",
        "self.of(model)",
    ),
    Mutation(
        "a price of no sense is taken",
        "app/prices/priced_file.py",
        "    if number is None or not 0 <= number <= USD_MAX:\n",
        "    if number is None:\n",
    ),
    Mutation(
        "what no number can hold is read from TOML",
        "app/toml_text.py",
        "return number if number.is_finite() else None",
        "return number",
    ),
    Mutation(
        "what three fronts tell of one wait is added up",
        "deploy/prometheus/rules.yml",
        "expr: max(keepstream_oldest_waiting_seconds) > 60",
        "expr: sum(keepstream_oldest_waiting_seconds) > 60",
    ),
    Mutation(
        "workers that vanish with their series are not missed",
        "deploy/prometheus/rules.yml",
        "          max(keepstream_workers) < 1\n          or (absent",
        '          sum(up{job="keepstream-worker"}) < 1\n          or (absent',
    ),
    Mutation(
        "failures that are over wake somebody",
        "deploy/prometheus/rules.yml",
        "            keepstream:failed:ratio2m > 0.01\n",
        "            keepstream:failed:ratio5m > 0.01\n",
    ),
    Mutation(
        "a worker that dies once is a storm",
        "deploy/prometheus/rules.yml",
        "        for: 6m\n",
        "        for: 2m\n",
    ),
    Mutation(
        "a Redis without a bound is full",
        "deploy/prometheus/rules.yml",
        "(max(keepstream_redis_max_bytes) > 0) > 0.8",
        "max(keepstream_redis_max_bytes) > 0.8",
    ),
    Mutation(
        "a server whose standard error is closed gives its number to a socket",
        "app/cli.py",
        "            os.open(os.devnull, os.O_RDWR)  # the lowest",
        "            pass  # the lowest",
    ),
    Mutation(
        "a check that hangs keeps the doctor",
        "app/doctor/examination.py",
        "        async with asyncio.timeout(seconds):",
        "        async with asyncio.timeout(None):",
    ),
    Mutation(
        "a check that fails says with which words",
        "app/doctor/examination.py",
        "{type(error).__name__} in {place_of(error)}",
        "{error!r}",
    ),
    Mutation(
        "the doctor shows the password of an address",
        "app/doctor/checks/redis.py",
        "{address.options.get('host', 'localhost')}",
        "{url}",
    ),
    Mutation(
        "a worker whose leases are late says that it is ready",
        "worker/health.py",
        "> self._late_seconds:",
        "> float('inf'):",
    ),
    Mutation(
        "a worker that drains says that it is ready",
        "worker/health.py",
        "if not self._pool.allow_pick_jobs:",
        "if False:",
    ),
    Mutation(
        "an operator is told of no stream but its own",
        "app/terminal/explain.py",
        "        if error.status in (httpx.codes.UNAUTHORIZED, httpx.codes.NOT_FOUND):",
        "        if False:",
    ),
    Mutation(
        "numbers on the terminal are of now, however old they are",
        "app/terminal/top/drawing.py",
        "return self.age > OLD_SECONDS",
        "return False",
    ),
    Mutation(
        "a file too many goes up to be refused",
        "app/terminal/talking/attached.py",
        "    if size > max(room, 0) / BASE64:",
        "    if False:",
    ),
    Mutation(
        "an order that could not be done is gone",
        "app/terminal/talking/orders.py",
        """            return ""
        return asked""",
        """            return ""
        return \"\"""",
    ),
    Mutation(
        "another model is told to nobody",
        "app/terminal/talking/next_message.py",
        "self.told = self.told and not made",
        "pass",
    ),
    Mutation(
        "the server needs the client's wheel",
        "app/terminal/once.py",
        "from app.clients.python.keepstream import AsyncClient\n",
        "from keepstream import AsyncClient\n",
    ),
    Mutation(
        "a turn that began again is captured twice",
        "app/terminal/capturing/upstream_events.py",
        "return starts[turn - 1] if turn <= len(starts) else len(kept)",
        "return len(kept)",
    ),
    Mutation(
        "a letter that stands as an escape in a tool's input is not hidden",
        "app/terminal/capturing/redacting.py",
        "return _digit(escape[1:]) if len(escape) > 1 and self._hides else part",
        "return part",
    ),
    Mutation(
        "the keys of a tool's input are taken for the API's own",
        "app/terminal/capturing/redacting.py",
        '{"input": frozenset[str](), "content"',
        '{"input": _STRUCTURE, "content"',
    ),
    Mutation(
        "what is played is cut between two events",
        "app/dev/simulator/replaying/recording.py",
        "        if left:\n            yield event[:left], _delivers(event)\n",
        "",
    ),
    Mutation(
        "what is to go wrong once goes wrong always",
        "app/dev/simulator/replaying/replay.py",
        "goes_wrong = self.times is None or self._calls <= self.times",
        "goes_wrong = True",
    ),
    Mutation(
        "a tool runs with an input that nobody could read",
        "worker/tools/toolbox.py",
        'return "The input is no JSON object." if unreadable.is_wrapped(value) else value',
        "return value",
    ),
)
