/**
 * The board: puts its parts together. The rule: what is shown is the newest snapshot as the server judged it; how old it
 * is, the page alone can know, and says so before anything else.
 */

import { Beside } from "/ops/beside.js";
import { Door } from "/ops/door.js";
import { Lanes } from "/ops/lanes.js";
import { Live } from "/ops/live.js";
import { Opened } from "/ops/opened.js";
import { Streams } from "/ops/streams.js";
import { Tiles } from "/ops/tiles.js";
import { Verdict } from "/ops/verdict.js";

const door = new Door();
const verdict = new Verdict();
const opened = new Opened();
const open = (id) => opened.show(id, streams.row(id));
const lanes = new Lanes(document.querySelector("#lanes"), open);
const streams = new Streams(open);
const parts = [new Tiles(document.querySelector("#tiles")), lanes, new Beside(), streams];
let asking = false;

const live = new Live({
  snapshot: (shown) => {
    for (const part of parts) part.draw(shown);
    verdict.draw(shown);
    verdict.age(live);
    if (shown.stale_seconds <= 2) verdict.beat();
    document.documentElement.dataset.ready = "";
    lookAtStreams();
  },
  age: () => verdict.age(live),
  refused: async (status, message) => {
    document.documentElement.dataset.ready = "";
    verdict.refused(status, message);
    while (!(await door.ask(status, message))) await verdict.wanted();
    verdict.connecting();
  },
});

/** The streams by their ids, as often as there is a snapshot, and not while nobody looks or the last answer is under way. */
async function lookAtStreams() {
  if (asking || document.visibilityState !== "visible") return;
  asking = true;
  try {
    const answer = await fetch("/ops/streams", { signal: AbortSignal.timeout(5000) });
    if (!answer.ok) throw new Error(String(answer.status));
    const { data } = await answer.json();
    lanes.know(data);
    streams.know(data);
    opened.know(streams);
  } catch {
    streams.unknown();
  } finally {
    asking = false;
  }
}

live.follow();
