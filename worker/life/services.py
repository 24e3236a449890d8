"""What every stream of a worker works with."""

from __future__ import annotations

from dataclasses import dataclass

from app.prices import Prices
from app.settings import Settings
from app.stream.conversations.store import Conversations
from app.stream.log import Log
from app.stream.queue import Queue
from app.stream.saved.saved_calls import Saved
from app.stream.workers.reserves import Reserves
from worker.life.calling.announce import Announcer
from worker.life.saving.following import Followings
from worker.log.commit import Committer
from worker.log.lanes import Lanes
from worker.schemas.checker import Checker
from worker.tools.toolbox import Toolbox
from worker.upstream.claude import Claude
from worker.upstream.gate import Gate


@dataclass(frozen=True, slots=True)
class Services:
    settings: Settings
    log: Log
    queue: Queue
    conversations: Conversations
    committer: Committer | Lanes
    claude: Claude
    gate: Gate
    announcer: Announcer
    prices: Prices
    reserves: Reserves
    saved: Saved
    followings: Followings
    toolbox: Toolbox
    checker: Checker
