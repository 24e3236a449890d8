/**
 * Work on the page, once a frame and never for long: what does not fit into a frame goes on in the next.
 */

const BUDGET_MS = 8;
/** A page that nobody sees has no frames. */
const HIDDEN_MS = 200;

const jobs = new Set();
let asked = false;

/**
 * Has `job(deadline)` called with the next frame; it is called again with the one after if it returns true.
 * @param {(deadline: number) => boolean | void} job
 */
export function soon(job) {
  jobs.add(job);
  ask();
}

function ask() {
  if (asked) return;
  asked = true;
  if (document.hidden) setTimeout(run, HIDDEN_MS);
  else requestAnimationFrame(run);
}

function run() {
  asked = false;
  const deadline = performance.now() + BUDGET_MS;
  for (const job of [...jobs]) {
    if (!job(deadline)) jobs.delete(job);
  }
  if (jobs.size) ask();
}

/** So many events that came at once are taken before anything else has its turn. */
const AT_ONCE = 40;

/** Who takes what has come rests now and then: a long answer that comes at once would hold up the page. */
export class Pace {
  #taken = 0;

  /** Gives the page its turn when it is time to, also in a hidden tab, where timers are slow. */
  async rest() {
    if (++this.#taken % AT_ONCE) return;
    const { port1, port2 } = new MessageChannel();
    await new Promise((resolve) => {
      port1.onmessage = resolve;
      port2.postMessage(null);
    });
    port1.close();
  }
}
