/**
 * The row below the box: which model answers, and how. It asks the server once what there is to choose from; without an
 * answer the default is what there is.
 */

import { h } from "/chat/dom.js";

/** Claude answers this one: a call that hangs there must not keep one of the six connections of all tabs. */
const MODELS_MS = 5000;
/** Where nobody says what the model can do. */
const TOKENS = 32_000;
/** The Claude API takes no more, whatever the server does. */
const PROMPT_BYTES = 32 * 1024 * 1024;
const tuning = () => import("/chat/composing/tuning.js");

export class Model {
  #select = document.querySelector("#model");
  #button = document.querySelector("#tune");
  #client;
  #settings;
  #models = [];
  #about = {};
  /** The longest answer that the caller may ask for, as far as a refusal has told. */
  #allowed = Infinity;

  /**
   * @param {import("/keepstream.js").Keepstream} client
   * @param {import("/chat/settings.js").Settings} settings
   * @param {(id: string | null) => void} chosen somebody chose another one; null is the server's own
   * @param {(error: Error) => void} trouble is told what could not be loaded
   */
  constructor(client, settings, chosen, trouble) {
    this.#client = client;
    this.#settings = settings;
    this.#select.addEventListener("change", () => {
      settings.set("model", this.chosen);
      this.#label();
      chosen(this.chosen || null);
    });
    this.#button.addEventListener("click", async () => {
      try {
        const [{ toggle }, { look }] = await Promise.all([import("/chat/composing/tuner.js"), import("/chat/composing/look.js")]);
        await look();
        toggle(this.#button, this.#model, this.#most, settings, () => this.#label());
      } catch (error) {
        trouble(error);
      }
    });
  }

  /** The model's id; empty for the server's own. */
  get chosen() {
    return this.#select.value;
  }

  /** How many bytes a request may have. */
  get limit() {
    return Math.min(this.#about.max_prompt_bytes ?? PROMPT_BYTES, PROMPT_BYTES);
  }

  /** Whether the server has titles made. */
  get titles() {
    return this.#about.titles;
  }

  choose(id) {
    if (id && ![...this.#select.options].some((option) => option.value === id)) this.#select.append(h("option", { value: id }, id));
    this.#select.value = id;
    this.#label();
  }

  /** Learns what there is, as far as that is not known. */
  async load() {
    if (this.#models.length) return;
    const json = async (path, init) => (await this.#client.request(path, init)).json();
    json("/page.json").then((about) => ((this.#about = about), this.#name()), () => {});
    try {
      const init = { headers: { "anthropic-version": "2023-06-01" }, signal: AbortSignal.timeout(MODELS_MS) };
      const { data } = await json("/v1/models?limit=100", init);
      const { chosen } = this;
      this.#models = data;
      this.#select.replaceChildren(this.#select.options[0], ...data.map((model) => h("option", { value: model.id }, model.display_name ?? model.id)));
      this.choose(chosen);
      this.#name();
    } catch {
      // As above.
    }
  }

  /**
   * Asks for an answer, as long as the model can make it where nobody wants it short; what has no room is asked for again with
   * less. Resolves to what is to be said of that, or null.
   * @param {(fields: object) => Promise<void>} send @param {{ again(): void } | null} pending
   */
  async ask(send, pending) {
    let fields = this.#wanted ? (await tuning()).fieldsOf(this.#wanted, this.#model, this.#most) : { max_tokens: this.#most };
    for (let isLess = false; ; ) {
      try {
        await send(fields);
        return isLess ? (await tuning()).shortened(fields) : null;
      } catch (error) {
        if (error.status !== 402 && error.status !== 403) throw error;
        const { allowed, less } = await tuning().catch(() => Promise.reject(error));
        fields = less(fields, error);
        if (fields === null) throw error;
        // Of what is never allowed nobody needs to be told each time.
        this.#allowed = allowed(error) ?? this.#allowed;
        isLess ||= error.status === 402;
        pending?.again();
      }
    }
  }

  get #model() {
    const id = this.chosen || this.#about.model;
    return this.#models.find((model) => model.id === id);
  }

  get #most() {
    return Math.min(this.#model?.max_tokens ?? TOKENS, this.#allowed);
  }

  /** Says who the default is. */
  #name() {
    const model = this.#models.find(({ id }) => id === this.#about.model);
    if (model) this.#select.options[0].textContent = `${model.display_name ?? model.id} (default)`;
  }

  /** What is set, or null. */
  get #wanted() {
    const [thinking, effort, length] = ["thinking", "effort", "length"].map((name) => this.#settings.get(name));
    return thinking || effort || length ? { thinking, effort, length } : null;
  }

  /** What is set, in a few words. */
  async #label() {
    // What cannot be loaded is not said; what is asked with it cannot be asked either, and says so.
    const label = this.#wanted ? (await tuning().catch(() => null))?.labelOf(this.#wanted, this.#model) : "";
    this.#button.querySelector("span").textContent = label ?? "";
    this.#button.title = this.#button.ariaLabel = label ? `Thinking and length: ${label}` : "Thinking and length";
  }
}
