from __future__ import annotations

from tests.mutations.mutation import Mutation

TOOLBOX = "worker/tools/toolbox.py"
ANSWER = "worker/tools/running/answer.py"
CHECKING = "worker/tools/running/checking.py"
OUTCOME = "worker/tools/running/outcome.py"
REDACTED = "worker/tools/running/redacted.py"
STDIO = "worker/tools/mcp/stdio.py"
CONNECTION = "worker/tools/mcp/connection.py"

ROWS = (
    Mutation(
        "a tool has for ever",
        TOOLBOX,
        "            await asyncio.wait({task}, timeout=seconds)\n",
        "            await asyncio.wait({task})\n",
    ),
    Mutation(
        "who leaves a call leaves its tool running",
        TOOLBOX,
        "                run.leave()\n                task.cancel()\n",
        "                run.leave()\n",
    ),
    Mutation(
        "of what hangs more and more is begun",
        TOOLBOX,
        "        if self._left[call.name] >= LEFT_MAX:\n",
        "        if False:\n",
    ),
    Mutation(
        "a tool is given what its schema does not allow",
        TOOLBOX,
        "        if wrong := await self._wrong(runnable, arguments):\n",
        "        if wrong := '':\n",
    ),
    Mutation(
        "a schema may look at an input for ever",
        TOOLBOX,
        "self._is_done(task, LOOK_SECONDS, run)",
        "self._is_done(task, 10 * runnable.tool.seconds, run)",
    ),
    Mutation(
        "a model is told the secret in an exception",
        TOOLBOX,
        "                return fault(self._redact(words), most)\n",
        "                return fault(words, most)\n",
    ),
    Mutation(
        "an MCP server's fault may quote a secret",
        TOOLBOX,
        "                return Content(self._redact.content(json), is_error=True)\n",
        "                return outcome\n",
    ),
    Mutation(
        "whoever knows a tool's name may call it",
        TOOLBOX,
        "        if runnable is None or not runnable.tool.may(call.owner):\n",
        "        if runnable is None:\n",
    ),
    Mutation(
        "a tool runs with an input that nobody could read",
        TOOLBOX,
        'return "The input is no JSON object." if unreadable.is_wrapped(value) else value',
        "return value",
    ),
    Mutation(
        "a tool that asks for the exit ends its worker",
        OUTCOME,
        "    except BaseException as error:  # noqa: BLE001  # as above; who waits asks whether it was cancelled\n",
        "    except Exception as error:  # noqa: BLE001\n",
    ),
    Mutation(
        "nobody hears of a tool that holds the loop",
        OUTCOME,
        "                    self._blocked(took)\n",
        "                    pass\n",
    ),
    Mutation(
        "a result is as large as it is",
        ANSWER,
        "    if len(told) <= bytes_max:\n        return Content(told)\n",
        "    if told:\n        return Content(told)\n",
    ),
    Mutation(
        "what is no number is told as null",
        ANSWER,
        "allow_nan=False",
        "allow_nan=True",
    ),
    Mutation(
        "a schema may be a tree without end",
        CHECKING,
        "            _Size(schema).of(schema)\n",
        "",
    ),
    Mutation(
        "a secret is only found as it is spelt",
        REDACTED,
        "    yield unquote(secret)\n",
        "",
    ),
    Mutation(
        "a line of an MCP server may have any length",
        STDIO,
        "            limit=LINE_BYTES_MAX,\n",
        "            limit=2**40,\n",
    ),
    Mutation(
        "an MCP server is given the worker's environment",
        STDIO,
        "            env={**get_default_environment(), **server.env},\n",
        "            env={**os.environ, **server.env},\n",
    ),
    Mutation(
        "what an MCP server started outlives it",
        STDIO,
        "        self.signal(signal.SIGKILL)  # those that it started, in its group\n",
        "",
    ),
    Mutation(
        "the tools of an MCP server that is gone are offered",
        CONNECTION,
        "                self._offer({})\n",
        "                pass\n",
    ),
    Mutation(
        "a server that does not answer is waited for",
        CONNECTION,
        "            async with asyncio.timeout(START_SECONDS):\n",
        "            if True:\n",
    ),
    Mutation(
        "a list that has changed is not asked for",
        CONNECTION,
        "            self._relist = True\n",
        "",
    ),
    Mutation(
        "nobody hears that a tool has no room",
        "worker/tools/offering.py",
        '                tell(of_processes.ToolLeftOut(name, "there is no room for its definition"))\n',
        "                pass\n",
    ),
)
