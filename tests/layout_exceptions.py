"""What the layout's test excuses, and why. The rule: who ends the reason takes the entry away.

Whether what is tested elsewhere is executed there is told by `python -m tests.elsewhere`.
"""

from __future__ import annotations

_SDK = "tests/app/dev/simulator/test_api.py: seen through the real SDK, which is what it is for"
_TYPED = "tests/stories/terminal/test_talking.py: typed at a real terminal"
_PIPES = "tests/stories/terminal/test_pipes.py: run by a script between pipes"
_CLIENT = "tests/app/clients/python/keepstream/wire/test_wire.py: each test is one of both clients"
_CHAT = "tests/app/faces/chat/test_view.py: a part of the view, which is tested whole"
_BOARD = "tests/app/faces/board/test_routes.py: through the face, by HTTP"
_CHAT_ROUTES = "tests/app/faces/chat/test_routes.py: through the face, by HTTP"
_SAYING = "tests/app/faces/conversations/test_saying.py: what is said is kept and heard, whichever module does it"
_TAKEN = "tests/app/http/connection/test_takeover.py: with the connection that is taken over"
_TOLD = "tests/app/watch/test_events.py: each event is told and written down"

# A module, and where it is tested instead of at the same place.
TESTED_ELSEWHERE = {
    "app/access/identity/token_keys.py": "tests/app/access/identity/test_tokens.py: with tokens of each kind of key",
    "app/access/limits/fields.py": "tests/app/access/limits/test_limits_file.py: fields as the file has them",
    "app/clients/python/keepstream/async_client.py": _CLIENT,
    "app/clients/python/keepstream/async_conversations.py": _CLIENT,
    "app/clients/python/keepstream/conversations.py": _CLIENT,
    "app/clients/python/keepstream/iterating.py": _CLIENT,
    "app/clients/python/keepstream/testing.py": "tests/stories/captured/test_captured.py: by tests that use it",
    "app/dev/command.py": "tests/stories/test_dev.py: a person types it",
    "app/dev/simulator/answer/events.py": _SDK,
    "app/dev/simulator/directives.py": "tests/app/dev/simulator/test_prompts.py: as prompts say them",
    "app/doctor/finding.py": "tests/app/doctor/test_printed.py: what it is to whoever reads it",
    "app/dev/simulator/reply.py": _SDK,
    "app/dev/simulator/answer/titling.py": "tests/app/faces/conversations/listed/test_titles.py: by who asks",
    "app/faces/board/answer.py": _BOARD,
    "app/faces/board/gathering.py": _BOARD,
    "app/faces/base/lookup.py": "tests/app/faces/native/test_routes.py: through the face, by HTTP",
    "app/faces/base/result.py": "tests/app/faces/messages/test_answer.py: through the face, by HTTP",
    "app/faces/chat/answer.py": _CHAT_ROUTES,
    "app/faces/chat/prompt_files.py": "tests/app/faces/chat/test_prompt.py: a part of the prompt",
    "app/faces/chat/view_blocks.py": _CHAT,
    "app/faces/conversations/answer.py": "tests/stories/conversations/test_together.py: by tabs that read it",
    "app/faces/conversations/keeping.py": _SAYING,
    "app/faces/messages/passthrough.py": "tests/app/test_upstream.py: calls that are handed on as they are",
    "app/signals.py": "tests/worker/test_process.py: a process that is told to end",
    "app/faces/base/names.py": "tests/app/faces/native/test_routes.py: through the face, by HTTP",
    "app/http/connection/cycle.py": "tests/app/faces/messages/test_answer.py: an answer over HTTP/1.0, or broken off",
    "app/http/connection/heard.py": "tests/app/faces/chat/test_routes.py: a client that has heard all, or not",
    "app/http/connection/sockets.py": _TAKEN,
    "app/http/errors.py": "tests/app/openapi/test_openapi.py: each error that the description names",
    "app/intake/sweep.py": "tests/app/intake/test_streams.py: with the streams that are swept",
    "app/stream/conversations/conversation.py": "tests/app/stream/conversations/test_store.py: as it is read",
    "app/stream/conversations/turns.py": "tests/app/stream/conversations/test_store_answers.py: a turn",
    "app/stream/observing.py": "tests/app/watch/test_observers.py: who tells, and who listens",
    "app/stream/redis/address.py": "tests/app/stream/redis/test_connect.py: an address is what one connects to",
    "app/stream/workers/gates.py": "tests/app/stream/queue/test_gate.py: what workers ask Redis at a gate",
    "app/stream/workers/presence.py": "tests/worker/claims/test_neighbours.py: who is there",
    "app/terminal/capturing/capture.py": "tests/stories/captured/test_captured.py: of a stream of real processes",
    "app/terminal/once.py": _PIPES,
    "app/terminal/prompt.py": _TYPED,
    "worker/tools/mcp/servers.py": "tests/worker/tools/mcp/test_connection.py: servers as processes",
    "worker/tools/mcp/stdio.py": "tests/worker/tools/mcp/test_connection.py: servers as processes",
    "app/version.py": "tests/app/test_cli.py: told by the command",
    "app/watch/events/of_processes.py": _TOLD,
    "worker/life/calling/admission.py": "tests/worker/upstream/gate/test_line.py: who waits at the gate",
    "worker/life/calling/announce.py": "tests/worker/upstream/gate/test_line.py: who waits is told for how long",
    "worker/life/ending/recovery.py": "tests/worker/claims/pool/test_take_over.py: what a dead holder left is told",
    "worker/main.py": "tests/worker/test_process.py: the command as a process",
}
# To be tested at their places, or excused above. Nothing comes to these: they shrink.
NOT_YET_TESTED: set[str] = set()
# To be split: modules that are too long, folders that are too full.
NOT_YET_SEEN_AT_ONCE: set[str] = set()

# A test that is about what several modules do together.
ABOUT_SEVERAL = {
    "tests/app/docs/test_examples.py": "pages, not modules",
    "tests/app/docs/test_links.py": "pages, not modules",
    "tests/app/docs/test_names.py": "pages, not modules",
    "tests/app/docs/test_metrics_page.py": "pages, not modules",
    "tests/app/docs/test_settings_page.py": "pages, not modules",
    "tests/app/faces/durable/test_conformance.py": "the whole face, by the protocol's own tests",
    "tests/app/faces/messages/test_leaving.py": "the face's answer, and the base's",
    "tests/app/fanout/lost/test_losses.py": "hub, tail and reader",
    "tests/app/fanout/lost/test_starting_over.py": "hub, tail and reader",
    "tests/app/fanout/test_beside_the_log.py": "hub, tail and reader",
    "tests/app/http/connection/test_bytes.py": "protocol and bounds",
    "tests/app/http/connection/test_time.py": "protocol, bounds and deadline",
    "tests/app/http/test_door.py": "what every request goes through",
    "tests/app/http/test_fuzz.py": "every route",
    "tests/app/http/test_own_faults.py": "the whole front",
    "tests/app/intake/test_done.py": "each change that a front makes in Redis",
    "tests/app/intake/test_told.py": "several fronts",
    "tests/app/stream/scripts/test_lease_clock.py": "the scripts of leases",
    "tests/app/stream/test_waiting.py": "submit, claim and what gives back",
    "tests/app/watch/test_events.py": "all events",
    "tests/app/watch/test_told.py": "what a front and a worker tell",
    "tests/worker/claims/test_outage.py": "the whole worker",
    "tests/worker/life/test_meeting.py": "life and log",
    "tests/worker/life/test_prompt_bytes.py": "life and upstream",
    "tests/worker/log/test_demoted.py": "the whole worker",
    "tests/worker/log/test_full.py": "the whole worker",
    "tests/app/watch/metrics/test_counts.py": "what a front and a worker count of a mixed run",
}

# Modules of one name, and why it is the right one for each of them.
ALIKE = {
    "chat": (["app/terminal/chat.py", "app/openapi/chat.py"], "a talk on a terminal; the description of that face"),
    "command": (
        ["app/dev/command.py", "app/dev/simulator/command.py", "app/doctor/command.py"],
        "each is the command of its package",
    ),
    "errors": (
        [
            "app/stream/errors.py",
            "app/http/errors.py",
            "app/dev/simulator/rules/errors.py",
            "app/clients/python/keepstream/errors.py",
        ],
        "ours; their statuses; the upstream's; what a client raises",
    ),
    "conversations": (
        ["app/openapi/conversations.py", "app/clients/python/keepstream/conversations.py"],
        "the description of that face; a client's calls",
    ),
    "events": (
        ["app/dev/simulator/answer/events.py", "app/clients/python/keepstream/events.py"],
        "the upstream's; a stream's, as a client has them",
    ),
    "fields": (
        ["app/access/limits/fields.py", "app/watch/logs/fields.py"],
        "of a file of limits; of a line of the log",
    ),
    "lines": (["app/stream/ledger/lines.py", "app/watch/logs/lines.py"], "of a stream's ledger; of a process' log"),
    "log": (["app/stream/log.py", "app/dev/log.py"], "a stream's; the lines of the processes that dev starts"),
    "observer": (["app/watch/logs/observer.py", "app/watch/traces/observer.py"], "the log's; that of traces"),
    "parts": (["app/fanout/parts.py", "app/dev/parts.py"], "of a large frame; what dev starts"),
    "plan": (["app/dev/plan.py", "app/dev/simulator/answer/plan.py"], "what dev will start; what an answer will be"),
    "prompt": (["app/intake/prompt.py", "app/terminal/prompt.py"], "what is asked; where it is typed"),
    "streams": (["app/intake/streams.py", "app/openapi/streams.py"], "what a front does to streams; their description"),
    "values": (["app/stream/readback/values.py", "app/dev/simulator/values.py"], "of frames; of directives"),
}
