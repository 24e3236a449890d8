"""An MCP server that does what none should, by hand: `python hostile.py MODE`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

MODE = sys.argv[1]
OBJECT = {"type": "object", "properties": {"a": {"type": "integer"}}}
PARTS = {f"p{n}": {"allOf": [{"$ref": f"#/$defs/p{n + 1}"}] * 2} for n in range(40)}
TOOLS: dict[str, list[dict[str, Any]]] = {
    "schemas": [
        {"name": "fine", "inputSchema": OBJECT},
        {"name": "fine", "inputSchema": OBJECT},
        {"name": "no object", "inputSchema": {"type": "object", "properties": {"a": {"type": "strin"}}}},
        {"name": "elsewhere", "inputSchema": {"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1:1/"}}}},
        {
            "name": "bomb",
            "inputSchema": {"type": "object", "properties": {"a": {"$ref": "#/$defs/p0"}}, "$defs": PARTS},
        },
        {"name": "large", "inputSchema": {"type": "object", "description": "x" * 100_000}},
        {"name": "ö/ä " + "x" * 200, "inputSchema": OBJECT},
    ],
    "thousands": [{"name": f"tool{n}", "inputSchema": OBJECT} for n in range(2_000)],
}
ONE = [{"name": "call", "description": "Anything.", "inputSchema": OBJECT}]


def say(**message: Any) -> None:
    sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
    sys.stdout.flush()


def answer(request: dict[str, Any]) -> None:
    ident, method = request.get("id"), request.get("method")
    if method == "initialize":
        if MODE == "silent":
            return
        version = request["params"]["protocolVersion"]
        say(id=ident, result={"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": INFO})
    elif method == "tools/list":
        say(id=ident, result={"tools": TOOLS.get(MODE, ONE)})
    elif method == "ping":
        say(id=ident, result={})
    elif method == "tools/call":
        called(ident)


INFO = {"name": "hostile", "version": "1"}


def called(ident: Any) -> None:
    match MODE:
        case "dying":
            os._exit(3)
        case "long":
            sys.stdout.write("x" * 16_000_000)
            sys.stdout.flush()
        case "noise":
            for n in range(130):
                sys.stdout.write(f"not json {n}\n")
                say(method="notifications/message", params={"level": "error", "data": "x" * 1_000})
                say(method="notifications/unknown", params=3)
                say(id=99_000 + n, result={})
            say(id=ident, result={"content": [{"type": "text", "text": "after the noise"}]})
        case "lying":
            say(id=ident, result={"content": "no list", "isError": "maybe"})
        case "large":
            say(id=ident, result={"content": [{"type": "text", "text": "x" * 3_000_000}]})
        case _:
            say(id=ident, result={"content": []})


def main() -> None:
    if MODE == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if MODE in ("stubborn", "careless"):
        child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600)"])
        TOOLS[MODE] = [{"name": f"child{child.pid}", "inputSchema": OBJECT}]
    sys.stderr.write(f"{os.getpid()}\n" if MODE == "pid" else "a line on stderr with sk-secret\n" * 3)
    sys.stderr.flush()
    for line in sys.stdin:
        answer(json.loads(line))
    while MODE == "stubborn":
        time.sleep(600)


main()
