/**
 * The row below the box: which model answers, how, and with which tools. It asks the server once what there is to choose from; without an
 * answer the default is what there is.
 */

import { h } from "/chat/dom.js";

/** Claude answers this one: a call that hangs there must not keep one of the six connections of all tabs. */
const MODELS_MS = 5000;
/** Where nobody says what the model can do. */
const TOKENS = 32_000;
/** The Claude API takes no more, whatever the server does. */
const PROMPT_BYTES = 32 * 1024 * 1024;
const AGAIN_MS = 5000;
/** Of so many chats it is remembered which tools they have. */
const CHATS = 100;
const tuning = () => import("/chat/composing/tuning.js");

export class Model {
  #select = document.querySelector("#model");
  #button = document.querySelector("#tune");
  #toolbox = document.querySelector("#tools");
  #tools = [];
  #place = "new";
  #askedAt = Infinity;
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
    const opens = (button, module, show) => button.addEventListener("click", async () => {
      try {
        const [{ toggle }, { look }] = await Promise.all([module(), import("/chat/composing/look.js")]);
        await look();
        show(toggle);
      } catch (error) {
        trouble(error);
      }
    });
    opens(this.#button, () => import("/chat/composing/tuner.js"), (toggle) => toggle(this.#button, this.#model, this.#most, settings, () => this.#label()));
    opens(this.#toolbox, () => import("/chat/menu/toolbox.js"), (toggle) => toggle(this.#toolbox, this.#tools, this.#given, (names) => this.#give(names)));
  }

  /** Which chat it is about; none is a new one. */
  at(chat) {
    this.#place = chat?.id ?? "new";
    if (chat) this.choose(chat.model ?? "");
    // A worker that offers some may have come since.
    if (!this.#tools.length && Date.now() - this.#askedAt > AGAIN_MS) this.#learn();
    this.#count();
  }

  /** A new chat has got its id, and keeps what was chosen for it. */
  rename(place) {
    const names = this.#given;
    this.#place = place;
    if (names.length) this.#give(names);
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
    this.#learn();
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
        const tools = this.#given;
        await send(tools.length ? { ...fields, relay: { tools } } : fields);
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

  #learn() {
    this.#askedAt = Date.now();
    this.#client.call("GET", "/v1/tools").then(({ tools }) => ((this.#tools = tools), this.#count()), () => {});
  }

  /** The tools of this chat: those that were chosen, as far as they are still there. */
  get #given() {
    const chosen = this.#settings.get("tools")[this.#place] ?? [];
    return this.#tools.map(({ name }) => name).filter((name) => chosen.includes(name));
  }

  #give(names) {
    const { [this.#place]: _, ...others } = this.#settings.get("tools");
    const all = Object.entries(names.length ? { ...others, [this.#place]: names } : others);
    this.#settings.set("tools", Object.fromEntries(all.slice(-CHATS)));
    this.#count();
  }

  #count() {
    const { length } = this.#given;
    this.#toolbox.hidden = !this.#tools.length;
    this.#toolbox.querySelector("span").textContent = length || "";
    this.#toolbox.ariaLabel = length ? `Tools: ${this.#given.join(", ")}` : "Tools";
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
