/**
 * What a load needs: fronts, workers, Redis, memory, bandwidth and money, from the figures in the tables of the page about
 * sizing. The rule: pure, and no figure stands here; `tests/bench/sizing/formula.py` is the same in Python, and a test
 * compares the two.
 */

const AT_LEAST = 2; // of each kind of process, so that one may restart

/**
 * @param {Record<string, number>} of the figures, by their names
 * @param {{ streams: number, readers: number, rate: number, tokens: number, kept: number }} load streams at a time, readers of
 *   each, tokens a second, tokens of an answer, seconds that it is kept
 */
export function need(of, { streams, readers, rate, tokens, kept }) {
  const events = streams * rate;
  const starts = events / tokens;

  // A front pays for each event that comes to it, and for each reader whom it hands it to.
  const every = (events * of.front_event_us) / 1e6;
  const handing = (events * readers * of.front_delivery_us + starts * (of.front_submit_us + readers * of.front_join_us)) / 1e6;
  const few = every < of.busy ? handing / (of.busy - every) : Infinity;
  const enough = few <= readers ? few : (handing + every * readers) / of.busy;
  const fronts = Math.max(AT_LEAST, Math.ceil(enough), Math.ceil((streams * readers) / of.front_readers));

  const working = (events * of.worker_event_us + starts * of.worker_start_us) / 1e6;
  const workers = Math.max(AT_LEAST, Math.ceil(streams / of.worker_streams), Math.ceil(working / of.busy));

  const logging = (events * of.redis_event_us + starts * of.redis_stream_us) / 1e6;
  // Workers are woken for an empty line: those that come before it is emptied wake nobody.
  const waking = (starts / (1 + starts * of.taken_seconds)) * workers * of.wake_us;
  const queue = (starts * of.queue_stream_us + waking + (streams * of.lease_us) / of.renew_seconds) / 1e6;
  const log = tokens * of.token_bytes;
  const running = log * of.running_slack + (of.stream_kb + of.prompt_kb) * 1000;
  const ended = log + tokens * of.token_chars + of.stream_kb * 1000;
  const redis_gb = ((streams * running + starts * kept * ended) / 1e9) * of.redis_spare;
  const alone = logging + queue <= of.busy && redis_gb <= of.node_gb;
  const nodes = alone ? 1 : 1 + Math.max(Math.ceil(logging / of.busy), Math.ceil(redis_gb / of.node_gb));

  const cores = fronts + workers + nodes;
  const following = readers * of.reader_kb + Math.min(readers, fronts) * of.tail_kb;
  const processes_mb = fronts * of.front_mb + workers * of.worker_mb;
  const memory_gb = redis_gb + (processes_mb + (streams * (following + of.worker_stream_kb)) / 1000) / 1000;
  const wire = (events * of.event_bytes) / 1e6;
  const asked = (starts * of.prompt_kb * 1000) / of.token_chars;
  return {
    starts,
    fronts,
    workers,
    nodes,
    queue_share: queue,
    redis_gb,
    redis_mb_s: wire * (1 + Math.min(readers, fronts)),
    out_mb_s: wire * readers,
    busy_cores: every * Math.min(readers, fronts) + handing + working + logging + queue,
    cores,
    memory_gb,
    usd_hour: cores * of.core_usd + memory_gb * of.gb_usd,
    api_usd_hour: ((events * of.output_usd + asked * of.input_usd) * 3600) / 1e6,
  };
}
