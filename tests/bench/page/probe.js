/**
 * Runs in the page before its own scripts: notes when bytes come, when text stands in the page, and when it is painted.
 *
 * Every answer that is measured numbers its words; the highest number on the page says how far it has come.
 */
(() => {
  const reads = []; // [time, highest number in the bytes, how many numbers, the address]
  const paints = []; // [time in the DOM, time painted, highest number on the page, the frame's beginning]
  const tasks = []; // [start, duration]
  const frames = []; // long animation frames: [start, duration, the time blocked]
  window.probe = { reads, paints, tasks, frames, calls: [], clear: () => [reads, paints, tasks, frames].forEach((list) => (list.length = 0)) };

  const observe = (type, found) => {
    if (!PerformanceObserver.supportedEntryTypes.includes(type)) return;
    new PerformanceObserver((list) => list.getEntries().forEach(found)).observe({ type, buffered: true });
  };
  observe("longtask", (entry) => tasks.push([entry.startTime, entry.duration]));
  observe("long-animation-frame", (entry) => frames.push([entry.startTime, entry.duration, entry.blockingDuration,
    entry.scripts.map((script) => `${Math.round(script.duration)} ms ${script.sourceFunctionName || script.invoker}`).join(", ")]));

  const bodies = new WeakMap();
  const fetched = window.fetch;
  window.fetch = async (...args) => {
    const call = { url: String(args[0]), start: performance.now() };
    probe.calls.push(call);
    const response = await fetched(...args);
    call.head = performance.now();
    if (response.body) bodies.set(response.body, call);
    return response;
  };
  const getReader = ReadableStream.prototype.getReader;
  const readers = new WeakMap();
  ReadableStream.prototype.getReader = function (...args) {
    const reader = getReader.apply(this, args);
    readers.set(reader, bodies.get(this));
    return reader;
  };
  const read = ReadableStreamDefaultReader.prototype.read;
  const decoder = new TextDecoder();
  ReadableStreamDefaultReader.prototype.read = function () {
    const call = readers.get(this);
    return read.call(this).then((part) => {
      const now = performance.now();
      if (part.value && call) {
        call.first ??= now;
        if (/\/v1\/streams\/.*\/events/.test(call.url) && probe.numbers) {
          const found = decoder.decode(part.value).match(/"text":" ?\d{5}/g);
          if (found) reads.push([now, Number(found.at(-1).slice(-5)), found.length]);
        }
      }
      return part;
    });
  };
  probe.numbers = false;

  // A change that is made within a frame is painted by it, any other by the next; the first task after it has it done.
  const channel = new MessageChannel();
  const ask = window.requestAnimationFrame.bind(window);
  let within = false;
  let began = 0;
  let changed = [];
  let asked = false;
  channel.port1.onmessage = () => {
    within = asked = false;
    const now = performance.now();
    for (const [at, number] of changed) paints.push([at, now, number, began]);
    changed = [];
  };
  const enter = (time) => {
    if (within) return;
    within = true;
    began = time;
    channel.port2.postMessage(null);
  };
  window.requestAnimationFrame = (callback) => ask((time) => {
    enter(time);
    callback(time);
  });
  const highest = () => {
    let element = document.querySelector("#log .message.assistant:last-of-type .body > .markdown:last-child");
    // The newest stands at the end of what is last.
    while (element?.lastElementChild && element.textContent.length > 4000) element = element.lastElementChild;
    return Number(element?.textContent.match(/(\d{5})\D*$/)?.[1] ?? 0);
  };
  probe.highest = highest;
  document.addEventListener("DOMContentLoaded", () => {
    new MutationObserver((records) => {
      if (!probe.numbers || !records.some((record) => record.target.closest?.(".markdown") ?? record.target.parentElement?.closest(".markdown"))) return;
      changed.push([performance.now(), highest()]);
      if (!within && !asked) {
        asked = true;
        ask(enter);
      }
    }).observe(document.querySelector("#log"), { childList: true, subtree: true, characterData: true });
  });
})();
