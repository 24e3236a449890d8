from __future__ import annotations

from app.stream.ledger.lines import Calls
from app.stream.ledger.usage import Brought
from worker.life.ending.account import Account
from worker.rawjson.codec import dumps
from worker.upstream.message import GatheredMessage


def test_what_the_newest_call_brought_is_what_its_message_tells() -> None:
    assert Account(1, None, content=False, complete=False, first_at=None, calls=Calls()).brought == Brought()
    message, start = GatheredMessage(), {"type": "message_start", "message": {"model": "m"}}
    message.add(start, dumps(start))
    for complete in (False, True):
        account = Account(1, message, content=True, complete=complete, first_at=None, calls=Calls())
        assert account.brought == Brought("m", whole=complete)
