/**
 * The blocks of an answer, each an element that grows: text, thinking, tools, what they gave. The rule: what comes is
 * gathered at once and drawn once a frame; nothing of it ever becomes markup.
 */

import { h } from "/chat/dom.js";
import { destination, link } from "/chat/markdown/links.js";
import { Markdown } from "/chat/markdown/markdown.js";

/** What shows a content block; null for a kind that nobody knows yet. */
export function make(block, answer) {
  switch (block.type) {
    case "text":
      return new Text();
    case "thinking":
      return new Thinking();
    case "redacted_thinking":
      return new Note("Part of the thinking is hidden for safety.");
    case "tool_use":
    case "server_tool_use":
    case "mcp_tool_use":
      return new Late(block, answer);
    case "compaction":
      return new Note("Earlier messages were summarized to make room.");
    default:
      return block.type?.endsWith("_tool_result") ? new Late(block, answer) : null;
  }
}

/** A block without anything to draw later. */
class Part {
  whole() {}
  delta() {}
  end() {}
  draw() {
    return false;
  }
}

export class Text extends Part {
  element = h("div", { class: "markdown" });
  #markdown = new Markdown(this.element);
  #sources = new Map();

  get text() {
    return this.#markdown.text;
  }

  whole(block) {
    this.#markdown.write(block?.text ?? "");
    for (const citation of block?.citations ?? []) this.#cite(citation);
  }

  delta(delta) {
    if (delta.type === "text_delta") this.#markdown.write(delta.text ?? "");
    if (delta.type === "citations_delta") this.#cite(delta.citation ?? {});
  }

  #cite(citation) {
    const name = citation.title ?? citation.document_title ?? citation.url ?? "source";
    this.#sources.set(citation.url ?? name, [name, citation]);
  }

  end() {
    this.#markdown.end();
  }

  draw(deadline) {
    const more = this.#markdown.draw(deadline);
    if (this.#sources.size && !this.element.nextElementSibling?.matches(".sources") && this.element.isConnected) {
      this.element.after(h("p", { class: "sources" }, "Sources: "));
    }
    const list = this.element.nextElementSibling;
    for (const [name, citation] of [...this.#sources.values()].slice(list?.childElementCount ?? 0)) {
      const title = citation.cited_text ?? null;
      const shown = citation.url && destination(citation.url) ? link(citation.url, title, name) : h("cite", { title }, name);
      list?.append(list.childElementCount ? ", " : "", shown);
    }
    return more;
  }
}

/** Text that folds away, plain: a person who wants to know looks inside. */
export class Thinking extends Part {
  #since = performance.now();
  #live = false;
  #label = h("span", {}, "Thinking");
  #folded = h("div", { class: "folded" });
  #waiting = "";
  element = h("details", { class: "thinking live" }, h("summary", {}, this.#label), this.#folded);

  whole(block) {
    this.#waiting += block?.thinking ?? "";
  }

  delta(delta) {
    this.#live = true;
    if (delta.type === "thinking_delta") this.#waiting += delta.thinking ?? "";
  }

  draw() {
    if (this.#waiting) {
      if (!this.#folded.firstChild) this.#folded.append("");
      this.#folded.firstChild.appendData(this.#waiting);
      this.#waiting = "";
    }
    return false;
  }

  end() {
    const took = Math.round((performance.now() - this.#since) / 1000);
    this.element.classList.remove("live");
    this.#label.textContent = this.#live && took > 0 ? `Thought for ${took} s` : "Thoughts";
    this.#live = false;
  }
}

/**
 * A tool's call, or what one gave. How it looks is loaded with the first of them; what is told to it meanwhile is told to it
 * then. `open`: it has no result yet; `asks`: a person is to say whether it may be made.
 */
class Late extends Part {
  element = h("div", { class: "card" });
  #told = [];
  #card = null;

  constructor(block, answer) {
    super();
    Object.assign(this, { name: block.name, id: block.id, open: Boolean(block.name) });
    import("/chat/answer/cards.js").then(({ Card }) => {
      this.#card = new Card(block, this.element, answer);
      this.#told.forEach(([name, given]) => this.#card[name](...given));
    }, () => this.element.append(`Tool: ${block.name ?? block.type}`));
  }

  /** `whole(block)`, `delta(delta)`, `end()` of its input, `ask()`, `result(content, isError, ms)`, `over()` of all. */
  tell(name, ...given) {
    if (name === "result") this.open = this.asks = false;
    if (name === "ask") this.asks = true;
    if (this.#card) this.#card[name](...given);
    else this.#told.push([name, given]);
  }

  whole = (block) => this.tell("whole", block);
  delta = (delta) => this.tell("delta", delta);
  end = () => this.tell("end");
}

class Note extends Part {
  constructor(text) {
    super();
    this.element = h("p", { class: "note" }, text);
  }
}
