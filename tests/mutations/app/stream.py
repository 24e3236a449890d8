from __future__ import annotations

from tests.mutations.mutation import Mutation

ROWS = (
    Mutation(
        "who asks for another owner's conversation adds its answer to it",
        "app/stream/conversations/store.py",
        "        if found is None or found.owner != owner or found.deleted or found.stream_id is None:",
        "        if found is None or found.deleted or found.stream_id is None:",
    ),
    Mutation(
        "who is cancelled on the way to the line waits for room in Redis",
        "app/stream/queue.py",
        'source_on_full("queue/hurry")',
        'source("queue/hurry")',
    ),
    Mutation(
        "a conversation forgets what people saw of a failed answer",
        "app/stream/conversations/turns.py",
        "    if is_partial and not any(map(says_something, content)):",
        "    if is_partial:",
    ),
    Mutation(
        "a receiver's fault is everybody's on its channel",
        "app/stream/channel.py",
        "    except Exception as error:  # noqa: BLE001  # whatever it is, the other streams' readers must not notice",
        "    except SystemExit as error:",
    ),
    Mutation(
        "a receiver's fault in a message is everybody's on its channel",
        "app/stream/channel.py",
        "except Exception as error:  # noqa: BLE001  # as there",
        "except SystemExit as error:",
    ),
    Mutation(
        "what stood before an error is not settled",
        "app/stream/channel.py",
        "        finally:  # whatever stood between them: who was given a message is told that it is a good moment\n",
        "        except KeyError:\n            raise\n        else:\n",
    ),
    Mutation(
        "a channel that is refused asks again at once",
        "app/stream/channel.py",
        "            await pause.wait()\n",
        "",
    ),
    Mutation(
        "odd data of a reset makes a tail fail",
        "app/stream/readback/restarts.py",
        "    except ValueError:\n",
        "    except KeyError:\n",
    ),
    Mutation(
        "a tail that is left leaves its readers waiting",
        "app/stream/concurrency/versioned.py",
        "while self.version == since and not self.closed:",
        "while self.version == since:",
    ),
    Mutation(
        "a herd works without turns",
        "app/stream/concurrency/fair_turns.py",
        "                asyncio.get_running_loop().call_soon(self._begin_next)\n                return\n",
        "                continue\n",
    ),
    Mutation(
        "a task that has fallen stays where it lies",
        "app/stream/concurrency/tasks.py",
        "            self._running = False\n            self.falls += 1\n",
        "            self._running = False\n            self.falls += 1\n            return\n",
    ),
    Mutation(
        "a refusal is judged by how its text begins: a pipeline's is none of those we know",
        "app/stream/redis/refusals.py",
        "if annotated := _PIPELINE.fullmatch(text):",
        "if False and (annotated := _PIPELINE.fullmatch(text)):",
    ),
    Mutation(
        "a connection stays with a primary that became a replica",
        "app/stream/redis/links.py",
        "            if refusal.kind is Kind.ELSEWHERE:",
        "            if False:",
    ),
    Mutation(
        "nobody asks for a server's role: who only reads stays with what is old",
        "app/stream/redis/links.py",
        '        if role != b"master":',
        "        if False:",
    ),
    Mutation(
        "what a closed connection raises is not known as its end",
        "app/stream/redis/links.py",
        "if not self._is_closing():",
        "if error:",
    ),
    Mutation(
        "the channel stays behind at the old primary",
        "app/stream/redis/accord.py",
        "            self._channel.reconnect()",
        "            pass",
    ),
    Mutation(
        "permissions are not tried at the start",
        "app/stream/redis/fitness.py",
        "        await _try_permissions(redis)",
        "        pass",
    ),
    Mutation(
        "a certificate of any host will do",
        "app/stream/redis/address.py",
        'checks = options.get("ssl_cert_reqs", "required") != "none"',
        "checks = False",
    ),
    Mutation(
        "a call is made on a full Redis: it has nowhere to put its answer",
        "app/stream/log.py",
        'self._begin_counted = redis.register_script(source("log/begin"))',
        'self._begin_counted = redis.register_script(source_on_full("log/begin"))',
    ),
    Mutation(
        "a hand-over is paid",
        "app/stream/stages.py",
        "Way(_UNDER_WAY, _C.DRAIN, _S.HANDED_OVER, charge=-1)",
        "Way(_UNDER_WAY, _C.DRAIN, _S.HANDED_OVER)",
    ),
    Mutation(
        "an attempt too many",
        "app/stream/stages.py",
        "    Way(_UNDER_WAY, _C.FAILURE, _S.ENDED, _W.SPENT),\n",
        "",
    ),
    Mutation(
        "who declines before saying anything is paid",
        "app/stream/ledger/lines.py",
        "        if brought.free:\n",
        "        if False:\n",
    ),
    Mutation(
        "a ledger grows with each refusal",
        "app/stream/ledger/lines.py",
        "    if len(lines) <= LINES_MAX:\n",
        "    if True:\n",
    ),
    Mutation(
        "who finds a counted attempt and no ledger takes it for no call",
        "app/stream/ledger/lines.py",
        "return found.opened(model) if attempts and not found.made else found",
        "return found",
    ),
    Mutation(
        "output that nobody counted is what the start had said",
        "app/stream/ledger/usage.py",
        'max(count(told, "output_tokens"), -(-self.output_bytes // BYTES_PER_TOKEN))',
        'count(told, "output_tokens")',
    ),
    Mutation(
        "an hour in the cache costs as little as five minutes",
        "app/stream/ledger/usage.py",
        "    hour = min(hour, written)\n",
        "    hour = 0\n",
    ),
    Mutation(
        "output that came after the last count is taken for counted",
        "app/stream/readback/brought.py",
        "counted=self._said == self._counted",
        "counted=self._counted is not None",
    ),
)
