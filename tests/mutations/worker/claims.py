from __future__ import annotations

from tests.mutations.mutation import Mutation

ROWS = (
    Mutation(
        "arq counts a stream's tries and gives up",
        "worker/claims/jobs.py",
        "keep_result=0, max_tries=UNLIMITED)",
        "keep_result=0)",
    ),
    Mutation(
        "arq gives a stream five minutes",
        "worker/claims/jobs.py",
        "            job_timeout=None,",
        "            job_timeout=300,",
    ),
    Mutation(
        "a cancellation of what a stream waited for is arq's to swallow",
        "worker/claims/jobs.py",
        "and is_cancelled():\n            raise  #",
        "and end is None:\n            raise  #",
    ),
    Mutation(
        "what escapes a stream's life is arq's to swallow",
        "worker/claims/jobs.py",
        "    except (Exception, asyncio.CancelledError) as error:  # see",
        "    except asyncio.CancelledError as error:  # see",
    ),
    Mutation(
        "a job that arq cannot run leaves its stream without an ending",
        "worker/claims/jobs.py",
        '        await _lived(_lease.get().life, failed("its job cannot be run"))\n',
        "        return None\n",
    ),
    Mutation(
        "what arq raises ends the stream's task",
        "worker/claims/jobs.py",
        '                return await _lived(lease.life, failed("an internal error"))\n',
        "                raise\n",
    ),
    Mutation(
        "a job that starts late runs a newer claim's stream",
        "worker/claims/jobs.py",
        "        await _lived(_lease.get().life)\n",
        "        await _lived(next(iter(self.leases.values())).life)\n",
    ),
    Mutation(
        "who cannot write keeps his leases",
        "worker/claims/leases.py",
        "        if self._given_up:\n            tell",
        "        if False:\n            tell",
    ),
    Mutation(
        "a worker takes streams however much it holds",
        "worker/claims/pool.py",
        "return broken or self.bytes_in_flight >= settings.worker_bytes",
        "return broken",
    ),
    Mutation(
        "a line that nobody here has joined is not looked at",
        "worker/claims/pool.py",
        "                    await self._services.gate.look()\n",
        "",
    ),
    Mutation(
        "who was woken for nothing asks again at once",
        "worker/claims/pool.py",
        "if woken and self._for_nothing:",
        "if False:",
    ),
    Mutation(
        "who has just come back himself trusts what he does not see",
        "worker/claims/trust.py",
        "        self._from = self._clock() + SHAKEN_SECONDS\n",
        "        self._from = self._clock()\n",
    ),
    Mutation(
        "right after a failover, whose subscription is elsewhere has left",
        "worker/claims/abandoned.py",
        "not heard or shaken(self._redis) or now",
        "not heard or now",
    ),
    Mutation(
        "who is not heard himself judges who reads",
        "worker/claims/abandoned.py",
        "not heard or shaken(self._redis) or now",
        "shaken(self._redis) or now",
    ),
    Mutation(
        "a time in which nobody could look counts as an absence",
        "worker/claims/abandoned.py",
        " or now - self._looked_at > GAP_SECONDS:",
        ":",
    ),
    Mutation(
        "a claim that is on its way when a worker leaves is not told",
        "worker/claims/pool.py",
        "        if self._end is not None:",
        "        if False:",
    ),
    Mutation(
        "nobody renews for a loop that stands still",
        "worker/claims/stand_in.py",
        "return bool(self._renewals.claims) and LATE < late / self._lease_seconds < STAND_IN",
        "return False",
    ),
    Mutation(
        "a loop that stands still for good keeps its streams",
        "worker/claims/stand_in.py",
        "LATE < late / self._lease_seconds < STAND_IN",
        "LATE < late / self._lease_seconds",
    ),
    Mutation(
        "after an outage lost cancellations are looked for a beat later",
        "worker/claims/cancels.py",
        "            await self.look()  # first: who begins again was raised out of here by an outage\n",
        "            await asyncio.sleep(self._beat_seconds)\n            await self.look()\n",
    ),
    Mutation(
        "a control message of another version is nothing",
        "worker/claims/cancels.py",
        "            self.gap()\n\n",
        "            pass\n\n",
    ),
)
