/**
 * What the pieces of a code are, as it grows. Speed-highlight reads; what was read is not read again: it goes on at the
 * last line that begins outside of all pieces, some way before the end, where what is to come could still change something.
 *
 * The rule: what was found in pieces is what is found in the whole, and at no time is more than a window of it read.
 */

/** So much is read at a time, or twice as much as long as one piece is longer. */
const WINDOW = 6000;
/** So far before the end of what was read nothing is sure. */
const UNSURE = 1500;
/** What is longer stays plain from there on. */
const LONGEST = 400_000;
/** A piece that is not closed is none there, however long it is: these are read as a whole, or not at all. */
const WHOLE = ["html", "md", "xml", "http", "docker"];
const LONGEST_WHOLE = 40_000;

export class Reading {
  /** The text of which `found` tells: `[kind, start, end]`. */
  source = "";
  found = [];
  #name;
  #language;
  #sure = 0;
  #kept = 0;
  #window = WINDOW;

  /** @param {(name: string) => Promise<any> | any} language a language of the library, by its name */
  constructor(name, language) {
    [this.#name, this.#language] = [name, language];
  }

  /** Reads some of what came; false if that was all of it. */
  async on(tokenizer, text) {
    const whole = WHOLE.includes(this.#name);
    if (whole || !text.startsWith(this.source)) this.#sure = this.#kept = 0;
    const all = whole ? (text.length > LONGEST_WHOLE ? "" : text) : text.slice(0, LONGEST);
    const part = all.slice(this.#sure, whole ? undefined : this.#sure + this.#window);
    const { found, lines } = await this.#read(tokenizer, part);
    const from = this.#sure;
    for (const one of found) {
      one[1] += from;
      one[2] += from;
    }
    this.found = [...this.found.slice(0, this.#kept), ...found];
    const more = from + part.length < all.length;
    const sure = lines.findLast((at) => at <= part.length - UNSURE) ?? 0;
    this.#window = sure || !more ? WINDOW : this.#window * 2;
    this.#sure = from + sure;
    this.#kept += found.filter(([, , end]) => end <= this.#sure).length;
    this.source = more ? all.slice(0, from + part.length) : text;
    return more;
  }

  /** The pieces of a text in their order, and the lines that begin in none. */
  async #read(tokenizer, text) {
    const language = await this.#language(this.#name);
    const parts = language?.sub ?? language ?? [];
    // What has pieces of its own is read after the others, so that a line in it is not taken for one outside.
    const outer = { ...(language?.type && { type: language.type }), sub: parts.map((part) => (part.sub ? { match: part.match, type: part } : part)) };
    const [found, inner, lines] = [[], [], []];
    let at = 0;
    await this.#tokens(tokenizer(text, outer, (piece, kind) => {
      const plain = !kind || kind === language.type;
      const line = piece.lastIndexOf("\n");
      if (line >= 0 && (plain || line === piece.length - 1)) lines.push(at + line + 1);
      if (typeof kind === "object") inner.push([kind, at, piece]);
      else if (kind && piece) found.push([kind, at, at + piece.length]);
      at += piece.length;
    }));
    for (const [part, start, piece] of inner) {
      const sub = typeof part.sub === "function" ? part.sub(piece) : typeof part.sub === "string" ? part.sub : part;
      at = start;
      await this.#tokens(tokenizer(piece, sub, (one, kind) => {
        if (kind && one) found.push([kind, at, at + one.length]);
        at += one.length;
      }, part.type));
    }
    found.sort((one, other) => one[1] - other[1]);
    return { found, lines };
  }

  async #tokens(reading) {
    for (let step = reading.next(); !step.done; ) {
      const language = this.#language(step.value);
      step = reading.next(language instanceof Promise ? await language : language);
    }
  }
}
