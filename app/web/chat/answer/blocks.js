/**
 * The blocks of an answer, each an element that grows: text, thinking, tools, what they gave. The rule: what comes is
 * gathered at once and drawn once a frame; nothing of it ever becomes markup.
 */

import { h } from "/chat/dom.js";
import { destination, link } from "/chat/markdown/links.js";
import { Markdown } from "/chat/markdown/markdown.js";

/** What shows a content block; null for a kind that nobody knows yet. */
export function make(block) {
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
      return new Tool(block.name ?? "a tool", block.id);
    case "compaction":
      return new Note("Earlier messages were summarized to make room.");
    default:
      return block.type?.endsWith("_tool_result") ? new Result(block.type) : null;
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
class Folded extends Part {
  #pre = h("div", { class: "folded" });
  #waiting = "";

  constructor(kind, label) {
    super();
    this.label = h("span", {}, label);
    this.element = h("details", { class: kind }, h("summary", {}, this.label), this.#pre);
  }

  append(text) {
    this.#waiting += text;
  }

  show(text) {
    this.#pre.textContent = "";
    this.#waiting = text;
  }

  draw() {
    if (this.#waiting) {
      if (!this.#pre.firstChild) this.#pre.append("");
      this.#pre.firstChild.appendData(this.#waiting);
      this.#waiting = "";
    }
    return false;
  }
}

export class Thinking extends Folded {
  #since = performance.now();
  #live = false;

  constructor() {
    super("thinking", "Thinking");
    this.element.classList.add("live");
  }

  whole(block) {
    this.append(block?.thinking ?? "");
  }

  delta(delta) {
    this.#live = true;
    if (delta.type === "thinking_delta") this.append(delta.thinking ?? "");
  }

  end() {
    const took = Math.round((performance.now() - this.#since) / 1000);
    this.element.classList.remove("live");
    this.label.textContent = this.#live && took > 0 ? `Thought for ${took} s` : "Thoughts";
    this.#live = false;
  }
}

class Tool extends Folded {
  #json = "";

  constructor(name, id) {
    super("tool", `Tool: ${name}`);
    Object.assign(this, { name, id });
  }

  whole(block) {
    if (block?.input && Object.keys(block.input).length) this.show(pretty(block.input));
  }

  delta(delta) {
    if (delta.type !== "input_json_delta") return;
    this.#json += delta.partial_json ?? "";
    this.append(delta.partial_json ?? "");
  }

  end() {
    if (this.#json) this.show(pretty(parsed(this.#json)));
    this.#json = "";
  }

  result(content, isError) {
    this.append(`\n\n${isError ? "Error" : "Result"}:\n${typeof content === "string" ? content : pretty(content)}`);
    this.element.classList.toggle("failed", Boolean(isError));
  }
}

class Result extends Folded {
  constructor(type) {
    super("tool", `Result: ${type.replace(/_tool_result$/, "").replaceAll("_", " ")}`);
  }

  whole(block) {
    this.show(pretty(block?.content ?? null));
  }
}

class Note extends Part {
  constructor(text) {
    super();
    this.element = h("p", { class: "note" }, text);
  }
}

function pretty(value) {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

function parsed(json) {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}
