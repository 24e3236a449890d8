"""What was said, answered, or shown at the door stands where it belongs, and nowhere else.

A canary is a word that stands for one secret. All of them go through what can happen to a prompt: it is answered, it
fails, its worker dies, it is cancelled, refused, or makes no sense. Then everything that came out is searched: what
each process wrote at its most talkative, its metrics, its traces, each refusal, each stream's story, what the machine
shows of each process, the names of keys and channels, and what stands in the queue. Each field that is told is held
against the list of those that may be (`silence`).
"""

from __future__ import annotations

import hashlib
import signal
from collections.abc import AsyncIterator, Iterator

import httpx
import psutil
import pytest
import pytest_asyncio

from tests.harness.cluster import Cluster
from tests.harness.identity.tokens import token
from tests.harness.network.otlp import Endpoint, endpoint
from tests.patience import PATIENCE
from tests.stories.access.a_screen import CANNOT, NOT_HERE, REASON
from tests.stories.access.canaries import House, Secrets, canary, hostile
from tests.stories.access.silence import amiss_in_log, amiss_in_metrics, amiss_in_spans

pytestmark = pytest.mark.asyncio(loop_scope="module")

MODEL = "claude-haiku-5"


@pytest.fixture(scope="module")
def otlp() -> Iterator[Endpoint]:
    with endpoint() as place:
        yield place


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory, otlp: Endpoint) -> AsyncIterator[House]:
    file, words = tmp_path_factory.mktemp("keys") / "keys", Secrets()
    key = words.show()
    file.write_text(f"alice {hashlib.sha256(key.encode()).hexdigest()}\n")
    file.chmod(0o600)
    screen = "tests.stories.access.a_screen:screen"
    settings = {"jwt_secret": words.signing, "ticket_secret": words.sealing, "screen": screen, "drain_seconds": 0.5}
    traced = {"OTEL_EXPORTER_OTLP_ENDPOINT": otlp.url, "OTEL_BSP_SCHEDULE_DELAY": "50"}
    settings |= {"log_level": "debug", "metrics_port": 0}
    async with Cluster(api_keys_file=file, lease_seconds=1, others=traced, **settings) as cluster:
        url = f"http://127.0.0.1:{cluster.front_proxies[0].port}"
        async with httpx.AsyncClient(base_url=url, timeout=PATIENCE) as http:
            yield House(cluster, http, words, key)


async def test_what_is_secret_stands_where_it_belongs_alone(house: House, otlp: Endpoint) -> None:
    listening = house.cluster.redis.pubsub()
    await listening.psubscribe("*")
    waiting = await answered(house)
    await failed(house)
    await refused(house)
    await nonsense(house)
    await hostile(house)
    await crashed_and_cancelled(house)
    for moment in (waiting, await house.in_the_queue()):
        assert {name: house.secrets.found_in(name + held) for name, held in moment.items()} == {
            name: [] for name in moment
        }
    while (heard := await listening.get_message(timeout=0.1)) is not None:
        if heard["type"] == "pmessage":
            assert house.secrets.found_in(heard["channel"]) == []
            own = house.secrets.said | house.secrets.answered if heard["channel"].startswith(b"ks:{st_") else set()
            own |= house.secrets.said | house.secrets.answered if heard["channel"].startswith(b"ks:{cv_") else set()
            assert house.secrets.found_in(heard["data"], house.secrets.all - own) == []
    await listening.aclose()
    for key in await house.cluster.redis.keys("ks:{[sc][tv]_*}:meta"):
        held = str(await house.cluster.redis.hgetall(key))  # type: ignore[misc]  # redis-py's types mix both clients
        assert house.secrets.found_in(held, house.secrets.shown | house.secrets.of_settings) == []
    assert len(house.refused) > 50
    for answer in house.refused:
        assert house.secrets.found_in(answer.text + str(answer.headers)) == [], answer.request.url.path
    await rated(house)
    shown_by_the_machine(house)
    await measured(house)
    for process in (*house.cluster.fronts, *house.cluster.workers):
        process.send(signal.SIGTERM)
        await process.wait()
    written(house, otlp)
    told = "".join(front.errors.read_text() for front in house.cluster.fronts)
    assert "caller.refused" in told
    assert "screen.failed" in told
    assert REASON in told
    assert not any(REASON in answer.text for answer in house.refused)


def written(house: House, otlp: Endpoint) -> None:
    """By the processes, once they have ended."""
    for log in house.cluster.directory.glob("*.log"):
        text = log.read_text(errors="replace")
        assert house.secrets.found_in(text) == [], log.name
        if log.name.startswith(("front", "worker")):
            assert list(amiss_in_log(log.read_bytes())) == []
    assert [body for body in otlp.bodies if house.secrets.found_in(body)] == []
    assert list(amiss_in_spans(otlp.spans)) == []
    assert len(otlp.spans) > 50


async def measured(house: House) -> None:
    """What is told of streams one by one, and of all of them in numbers."""
    for stream_id in house.streams:
        story = await house.http.get(f"/v1/streams/{stream_id}/timeline", headers=house.mine)
        assert house.secrets.found_in(story.text) == []
    for process in (*house.cluster.fronts, *house.cluster.workers):
        page = (await house.http.get((await process.first_line()).removeprefix("metrics on "))).text
        assert house.secrets.found_in(page) == []
        assert list(amiss_in_metrics(page)) == []
        assert page.count("\n") > 100


async def rated(house: House) -> None:
    """Why an answer was no good is the outbox's, and said again to nobody else."""
    path = f"/v1/streams/{house.streams[0]}/feedback"
    taken = await house.http.post(path, headers=house.mine, json={"rating": -1, "note": house.secrets.word()})
    assert taken.status_code == 200
    for wrong in ({"rating": 1, "note": house.secrets.word() * 200}, {"rating": 1, house.secrets.word(): 1}):
        refusal = await house.http.post(path, headers=house.mine, json=wrong)
        assert refusal.status_code == 400
        assert house.secrets.found_in(refusal.text + str(refusal.headers)) == []


def shown_by_the_machine(house: House) -> None:
    """Settings stand in the environment of those whose settings they are."""
    whose = {process.pid for process in (*house.cluster.fronts, *house.cluster.workers)}
    for process in psutil.Process().children(recursive=True):
        if process.status() == psutil.STATUS_ZOMBIE:
            continue
        may = house.secrets.of_settings if process.pid in whose else set()
        assert house.secrets.found_in(" ".join(process.cmdline())) == []
        assert house.secrets.found_in(str(process.environ()), house.secrets.all - may) == []


async def answered(house: House) -> dict[str, str]:
    """By each face and each way in. What stood in the queue while a prompt waited."""
    words = house.secrets
    bearer = {"authorization": f"Bearer {words.show(token(words.signing))}"}
    words.show(bearer["authorization"].rpartition(".")[2])
    opened = await house.http.post("/session", headers=house.mine)
    cookie = words.show(opened.headers["set-cookie"].partition(";")[0].partition("=")[2])
    house.http.cookies.clear()
    page = {"cookie": f"keepstream={cookie}", "origin": str(house.http.base_url).rstrip("/")}
    house.cluster.workers[0].send(signal.SIGSTOP)
    made = await house.post(
        "/v1/streams",
        {"prompt": words.prompt(), "system": words.word(), "relay": {"ticket": True}},
        house.mine | {"idempotency-key": words.show()},
    )
    waiting = await house.in_the_queue()
    house.cluster.workers[0].send(signal.SIGCONT)
    assert any(name.startswith("arq:job:") for name in waiting)
    words.show(made.json()["ticket"])
    assert "event: relay.end" in (await house.http.get(made.json()["events_url"])).text
    assert '"relay.end"' in (await house.http.get(made.json()["events_url"].replace("/events", "/log"))).text
    for stream in (True, False):
        asked = {"model": MODEL, "max_tokens": 100, "stream": stream, "metadata": {"user_id": words.word()}}
        said = await house.post(
            "/v1/messages", asked | {"messages": [{"role": "user", "content": words.prompt()}]}, bearer
        )
        assert said.status_code == 200, said.text
    counted = {"model": MODEL, "messages": [{"role": "user", "content": words.prompt()}]}
    said = await house.post("/v1/messages/count_tokens", counted, bearer | {"anthropic-version": "2023-06-01"})
    assert said.status_code == 200, said.text
    parts = [{"type": "text", "text": words.prompt()}]
    chat = {"id": words.word(), "messages": [{"id": words.word(), "role": "user", "parts": parts}]}
    assert (await house.post("/api/chat", chat, page)).status_code == 200
    talk = (await house.post("/v1/conversations", {"title": words.word(), "system": words.word()}, page)).json()["id"]
    sent = await house.post(f"/v1/conversations/{talk}/messages", {"content": words.prompt()}, page)
    await house.ended(sent.json()["id"])
    assert (await house.http.get(f"/v1/conversations/{talk}/export", headers=house.mine)).status_code == 200
    return waiting


async def failed(house: House) -> None:
    """What the upstream says of it is its client's to read: no refusal of ours, and nothing to be written down."""
    words = house.secrets
    hows = [f'status=400 message="{words.word()}"', f'status=529 message="{words.word()}" times=1']
    hows += [
        f"{fault}=2 times=1"
        for fault in ("error-after", "bad-json-after", "bad-utf8-after", "cut-after", "end-after", "forged-after")
    ]
    for stream_id in [await house.submit(words.prompt(f"rate=0 first=0 {how}")) for how in hows]:
        await house.ended(stream_id)
    asked = {"model": MODEL, "max_tokens": 100, "messages": [{"role": "user", "content": words.prompt(hows[0])}]}
    assert (await house.post("/v1/messages", asked)).status_code == 400


async def refused(house: House) -> None:
    """At the door, and by the screen."""
    words = house.secrets
    body = {"prompt": words.prompt()}
    forged = f"{token(canary() * 2).rpartition('.')[0]}.{words.show()}"
    for headers in (
        {},
        {"x-api-key": words.show()},
        {"authorization": f"Bearer {words.show(forged)}"},
        {"authorization": f"Basic {words.show()}"},
        {"cookie": f"keepstream={words.show()}"},
        {"cookie": f"keepstream={words.show()}", "origin": f"http://{words.show().replace('_', '')}.example"},
        house.mine | {"x-keepstream-user": words.show()},
        house.mine | {"x-keepstream-user": f"{words.show()}/x"},
        house.mine | {"origin": f"http://{words.show().replace('_', '')}.example"},
        house.mine | {"content-type": f"text/{words.show()}"},
    ):
        for path in ("/v1/streams", "/v1/messages", "/api/chat", "/v1/conversations"):
            await house.refuses(await house.post(path, body, headers), 401, 403, 415)
    for path in ("", "/events", "/log", "/message"):
        asked = f"/v1/streams/st_{'0' * 32}{path}?ticket="
        await house.refuses(await house.http.get(asked + words.show()), 401)
        await house.refuses(await house.http.get(f"{asked}{words.show()}.1.{words.show()}"), 401)
    for word, status in ((NOT_HERE, 400), (CANNOT, 503)):
        text = words.prompt(text=f"{word} {words.word()}")
        asked = [
            ("/v1/streams", {"prompt": text}),
            ("/v1/messages", {"model": MODEL, "max_tokens": 9, "messages": [{"role": "user", "content": text}]}),
        ]
        for path, said in asked:
            answer = await house.post(path, said)
            assert answer.status_code >= 400
            await house.refuses(answer, 400, 403, status)


async def nonsense(house: House) -> None:
    """A refusal of what cannot be read quotes nothing of it."""
    words = house.secrets
    paths = ["/v1/streams", "/v1/messages", "/v1/messages/count_tokens", "/api/chat", "/v1/conversations"]
    for path in paths:
        word = words.word()
        bodies = [
            f'{{"prompt": "{word}'.encode(),
            f'"{word}"'.encode(),
            f'{{"{word}": 1, "prompt": 1}}'.encode(),
            {"prompt": {word: word}, "relay": {word: word}},
            {"prompt": word, "relay": {"on_interrupt": word}},
            {"prompt": word, "relay": {word: 1}},
            {"prompt": word, "max_tokens": word},
            {"model": MODEL, "max_tokens": 9, "messages": [{"role": word, "content": [{"type": 7, word: word}]}]},
            {"id": word, "messages": [{"id": word, "role": word, "parts": [{"type": word, word: word}]}]},
            {"id": word, "trigger": word, "messages": word},
            {"title": {word: word}},
            {"title": 7, "system": word, word: word},
        ]
        for body in bodies:
            answer = await house.post(path, body)
            # What the upstream says of what it refused is its client's to read.
            if answer.status_code >= 400 and path != "/v1/messages/count_tokens":
                await house.refuses(answer)
    talk = (await house.post("/v1/conversations", {})).json()["id"]
    for rest, body in (("/messages", {"content": {words.word(): 1}}), ("/fork", {"at": words.word()})):
        await house.refuses(await house.post(f"/v1/conversations/{talk}{rest}", body))
    word = words.word()
    for path in (
        f"/v1/streams/{word}",
        f"/v1/streams/{word}/events",
        f"/v1/streams/st_{'0' * 32}/log?offset={word}",
        f"/v1/streams/st_{'0' * 32}/log?offset=-1&live={word}",
        f"/v1/conversations/{word}/export",
        f"/v1/{word}",
        f"/v1/conversations?before={word}",
        f"/v1/conversations?limit={word}",
        f"/v1/conversations/{talk}/export?format={word}",
        f"/v1/conversations/{talk}/events?after={word}",
        f"/v1/usage?by={word}",
        f"/v1/usage?from={word}",
        f"/v1/usage?owner={word}",
        f"/docs/{word}",
    ):
        await house.refuses(await house.http.get(path, headers=house.mine))
    place = house.mine | {"last-event-id": word}
    await house.refuses(await house.http.get(f"/v1/conversations/{talk}/events", headers=place))
    await house.refuses(await house.post("/v1/streams", {"prompt": word}, house.mine | {"idempotency-key": word * 100}))
    same = house.mine | {"idempotency-key": words.show()}
    assert (await house.post("/v1/streams", {"prompt": words.prompt()}, same)).status_code == 202
    await house.refuses(await house.post("/v1/streams", {"prompt": words.prompt()}, same), 422)


async def crashed_and_cancelled(house: House) -> None:
    words = house.secrets
    dying, stalled = [await house.submit(words.prompt(how)) for how in ("rate=2 first=0", "stall-after=1 first=0")]
    for stream_id in (dying, stalled):
        await house.begun(stream_id)
    house.cluster.workers[0].send(signal.SIGKILL)
    house.cluster.workers[0] = await house.cluster.worker(1)
    await house.ended(dying)
    assert (await house.post(f"/v1/streams/{stalled}/cancel", {})).status_code == 202
    await house.ended(stalled)
    # Who leaves in the middle.
    messages = [{"role": "user", "content": words.prompt("stall-after=1 first=0")}]
    asked = {"model": MODEL, "max_tokens": 100, "stream": True, "messages": messages}
    async with house.http.stream("POST", "/v1/messages", json=asked, headers=house.mine) as answer:
        async for _ in answer.aiter_lines():
            break
