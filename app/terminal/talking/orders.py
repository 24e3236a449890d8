"""What one types that is not said to Claude: how the next message is asked, what goes along, and what it all did cost.

The rule: what could not be done stands in the line again, with the reason above it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from app.clients.python.keepstream import AsyncClient, KeepstreamError
from app.terminal.options import why
from app.terminal.talking.attached import RefusedFileError
from app.terminal.talking.next_message import Asking, cost_of, models_among, tools_among

HELP = """\
/continue      go on where the answer was cut off
/retry         answer the last message again
/model [NAME]  let another model answer; without a name, see which there are
/system [TEXT] say how it is to answer; without a text, see what was said
/tools [NAMES] let Claude use these tools, or none; without names, see which there are
/file [PATH]   send a picture, PDF or text along; without a path, take back what is to go along
/cost          what this conversation did cost
/quit          leave (Ctrl-D)
End a line with \\, or press Alt-Enter, to write another one. Up and Down bring back what was said."""
# With a text of its own no other word is an order: whoever asks about "/etc/passwd" says something.
_ORDER = re.compile(r"(/(?:model|system|file|tools))(?:\s+(.*))?|/cost|/help", re.DOTALL)


class Orders:
    """`remark` shows a line to the person."""

    def __init__(self, client: AsyncClient, url: str, asking: Asking, remark: Callable[[str], None]) -> None:
        self._client = client
        self._url = url
        self._asking = asking
        self._remark = remark

    async def follow(self, asked: str, conversation: str | None) -> str | None:
        """Does what was typed; returns what is to stand in the line again, and None for what is no order."""
        order = _ORDER.fullmatch(asked.strip())
        if order is None:
            return None
        try:
            await self._do(order[1] or order[0], (order[2] or "").strip(), conversation)
        except RefusedFileError as error:
            self._remark(str(error))
        except KeepstreamError as error:
            self._remark(why(error, self._url))
        else:
            return ""
        return asked

    async def _do(self, order: str, given: str, conversation: str | None) -> None:
        asking = self._asking
        match order, given:
            case "/help", _:
                self._remark(HELP)
            case "/cost", _:
                found = None if conversation is None else await self._client.conversations.get(conversation)
                self._remark(cost_of(found["messages"] if found else ()))
            case "/file", "":
                dropped, asking.files = asking.files, []
                self._remark(f"taken back: {', '.join(map(str, dropped))}" if dropped else "nothing is to go along")
            case "/file", _:
                self._remark(f"{asking.attach(given)} goes along with your next message")
            case "/model", "":
                there = ", ".join(models_among(await self._client.models()))
                self._remark(f"{asking.model or 'the server chooses'}; there are: {there}")
            case "/tools", _:
                tools = tools_among(await self._client.request("GET", "/v1/tools"))
                self._remark(self._choose(given, tools) if given else self._tools(tools))
            case "/system", "":
                self._remark(asking.system or "nothing was said of how to answer")
            case "/model", _:
                asking.set(model=given, made=conversation is not None)
                self._remark(f"{given} answers from now on")
            case _:
                asking.set(system=given, made=conversation is not None)
                self._remark("so it is asked from now on")

    def _tools(self, there: dict[str, str]) -> str:
        lines = [f"{'●' if name in self._asking.tools else '○'} {name}  {about}" for name, about in there.items()]
        return "\n".join(lines) or "no worker offers tools"

    def _choose(self, given: str, there: dict[str, str]) -> str:
        names = [] if given == "none" else list(dict.fromkeys(given.replace(",", " ").split()))
        if unknown := [name for name in names if name not in there]:
            return f"there is no tool {', '.join(unknown)}; there are: {', '.join(there) or 'none'}"
        self._asking.tools = names
        return f"Claude may use {', '.join(names)} from now on" if names else "Claude uses no tools from now on"
