// What test_markdown.py runs in the page: texts that come in pieces, and what is to be seen of them.

const { fetchRare, Markdown } = await import("/chat/markdown/markdown.js");
await fetchRare();
await (await import("/chat/markdown/math.js")).fetchTemml();

/** mulberry32: the same numbers for the same seed. */
function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function* pieces(text, seed) {
  const next = random(seed);
  const longest = [1, 3, 10, 60][seed % 4];
  for (let at = 0; at < text.length; ) {
    const size = 1 + Math.floor(next() * longest);
    yield text.slice(at, at + size);
    at += size;
  }
}

/** Has the pieces drawn in an element that is on the page meanwhile; `look` is called after each. */
function grown(parts, look = () => {}) {
  const element = document.createElement("div");
  document.body.append(element);
  const markdown = new Markdown(element);
  performance.now = () => 0; // each is drawn: none takes so long that the next one has to wait
  for (const part of parts) {
    markdown.write(part);
    markdown.draw(Infinity);
    look(element);
  }
  delete performance.now;
  markdown.end();
  while (markdown.draw(Infinity));
  look(element);
  element.remove();
  return { element, markdown };
}

/** Elements that an answer may be made of. */
const KNOWN = /^(p|h[1-6]|ul|ol|li|blockquote|pre|code|figure|figcaption|table|thead|tbody|tr|th|td|div|span|strong|em|del|br|hr|a|img|input|button|kbd|su[bp])$/;

const functions = {
  drawn: (text) => grown([text]).element.innerHTML,

  /** What each piece showed, as text. */
  frames(parts) {
    const shown = [];
    grown(parts, (element) => shown.push(element.textContent));
    return shown;
  },

  /** The first seed whose pieces end up as another page than the whole text at once; null: there is none. */
  differs(text, seeds) {
    const wanted = grown([text]).element.innerHTML;
    for (let seed = 0; seed < seeds; seed++) {
      const { element, markdown } = grown(pieces(text, seed));
      if (markdown.text !== text) return { seed, text: markdown.text };
      if (element.innerHTML !== wanted) return { seed, wanted, got: element.innerHTML };
    }
    return null;
  },

  /** Lines in any order, letter by letter: the first text that ends as another page than at once, or that acts. */
  mixed(lines, seeds) {
    for (let seed = 0; seed < seeds; seed++) {
      const next = random(seed);
      const text = Array.from({ length: 3 + Math.floor(next() * 15) }, () => lines[Math.floor(next() * lines.length)]).join("\n");
      const wanted = grown([text]).element.innerHTML;
      const got = grown([...text]).element.innerHTML;
      if (got !== wanted) return { text, wanted, got };
      const acts = functions.acts(text);
      if (acts.length) return { text, acts };
    }
    return null;
  },

  /** A block with two others behind it is finished: counts those that were changed or replaced after that. */
  standing(text) {
    const stood = new Map();
    let touched = 0;
    const watch = new MutationObserver(() => {});
    const look = (element) => {
      if (!stood.size) watch.observe(element, { subtree: true, childList: true, characterData: true, attributes: true });
      for (const { target } of watch.takeRecords()) {
        for (const block of stood.keys()) if (block.contains(target)) touched++;
      }
      for (const block of [...element.children].slice(0, -2)) {
        if (!stood.has(block)) stood.set(block, block.outerHTML);
      }
    };
    const { element } = grown(pieces(text, 2), look);
    watch.disconnect();
    const lost = [...stood.keys()].filter((block) => block.parentNode !== element).length;
    const changed = [...stood].filter(([block, html]) => block.outerHTML !== html).length;
    return { blocks: stood.size, lost, changed, touched };
  },

  /** Whether the node that `selector` finds after `start` is the same, and alone, while `more` comes again and again. */
  stays(selector, start, more) {
    let first;
    let same = true;
    grown([start, ...Array(50).fill(more)], (element) => {
      const node = element.querySelector(selector);
      first ??= node;
      same &&= node !== null && node === first && element.childElementCount === 1;
    });
    return same;
  },

  /** What of a text could do something: elements, attributes, addresses. Looked for after every piece. */
  acts(text) {
    const found = new Set();
    const look = (element) => {
      for (const node of element.querySelectorAll("*")) {
        const own = node.closest("figcaption");
        const math = node.namespaceURI.endsWith("/MathML") && node.closest("math");
        if (!own && !(math ? /^m[a-z]{1,15}$/ : KNOWN).test(node.localName)) found.add(node.outerHTML);
        if (math && /^(maction|maligngroup|semantics|mglyph)$/.test(node.localName)) found.add(node.outerHTML);
        if (node.id) found.add(`id=${node.id}`);
        for (const { name, value } of node.attributes) {
          if (/^on|^srcdoc$|^style$|^action$|^formaction$/.test(name)) found.add(`${name}=${value}`);
          if (name === "href" && !/^(https?:\/\/|mailto:)/.test(value)) found.add(`${name}=${value}`);
          if (name === "src" && !/^data:image\/(png|jpeg|gif|webp);base64,/.test(value)) found.add(`${name}=${value}`);
        }
        if (node.localName !== "a") continue;
        if (node.rel !== "noopener noreferrer nofollow" || node.target !== "_blank") found.add(node.outerHTML);
        if (!["http:", "https:", "mailto:"].includes(node.protocol)) found.add(node.href);
        if (node.origin === location.origin) found.add(node.href);
      }
    };
    for (const parts of [[text], pieces(text, 0), pieces(text, 3)]) grown(parts, look);
    return [...found];
  },

  /** How long a text takes that comes in large pieces, and how many letters are seen in the end. */
  takes(text) {
    const start = performance.now();
    const element = document.createElement("div");
    document.body.append(element);
    const markdown = new Markdown(element);
    let longest = 0;
    const draw = () => {
      const since = performance.now();
      const more = markdown.draw(since + 8);
      longest = Math.max(longest, performance.now() - since);
      return more;
    };
    for (let at = 0; at < text.length; at += 2000) {
      markdown.write(text.slice(at, at + 2000));
      draw();
    }
    markdown.end();
    while (draw());
    const letters = element.textContent.replace(/\s/g, "").length;
    element.remove();
    return { ms: performance.now() - start, longest, letters };
  },
};
