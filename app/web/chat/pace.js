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
