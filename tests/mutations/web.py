"""Of the pages that people see."""

from __future__ import annotations

from tests.mutations.mutation import Mutation

ROWS = (
    Mutation(
        "a list that was asked for before a change is the last word",
        "app/web/chat/sidebar.js",
        "    if (this.#stale) await this.#load();\n",
        "",
    ),
    Mutation(
        "a list that is read again lets go of the focus",
        "app/web/chat/sidebar.js",
        "    if (had && document.activeElement === document.body)",
        "    if (false)",
    ),
    Mutation(
        "whoever signs out leaves his drafts to whoever comes next",
        "app/web/chat/door/forgetting.js",
        "  await forget();\n",
        "",
    ),
    Mutation(
        "what one has asked for is asked for in the name of whoever signs in next",
        "app/web/chat/door/door.js",
        "if (owner === null || owner === kept(OWNER)) return;",
        "return;",
    ),
    Mutation(
        "what is accepted in a chat is shown in another",
        "app/web/chat/conversation.js",
        "        if (this.#closed) return; // the page shows another one\n",
        "",
    ),
    Mutation(
        "a key that a page of before has kept stays in the browser",
        "app/web/chat/settings.js",
        "      if (this.oldKey) this.#keep();\n",
        "",
    ),
    Mutation(
        "an Enter that belongs to a composition sends",
        "app/web/chat/keys.js",
        'return event.isComposing || event.keyCode === 229 ? "" : event.key;',
        "return event.key;",
    ),
    Mutation(
        "the board's numbers are of now, however old they are",
        "app/web/ops/live.js",
        "return this.age !== null && this.age > OLD_MS;",
        "return false;",
    ),
    Mutation(
        "a stream on the board is cancelled by one key",
        "app/web/ops/opened.js",
        '($("#keep").hidden ? this.#ask(true) : this.#cancel())',
        "this.#cancel()",
    ),
    Mutation(
        "one file that is refused takes the others along",
        "app/web/chat/composing/tray.js",
        "        if (items.includes(item)) items.splice(items.indexOf(item), 1);\n",
        "        items.length = 0;\n",
    ),
    Mutation(
        "a picture says where it was taken",
        "app/web/chat/composing/pictures.js",
        "    if (marker === 0xffe1) tells = true;\n",
        "",
    ),
    Mutation(
        "the files of a draft are gone after a reload",
        "app/web/chat/composing/composer.js",
        "    if (!this.#loading && !(place in filed())) return;\n",
        "    if (!this.#loading) return;\n",
    ),
    Mutation(
        "what was sent stays with the draft",
        "app/web/chat/composing/tray.js",
        "filter((item) => !blocks.includes(item.block)));\n    this.#changed();\n",
        "filter((item) => !blocks.includes(item.block)));\n    this.#show();\n",
    ),
    Mutation(
        "a store that is forbidden is told of each time",
        "app/web/chat/composing/drafts.js",
        "      this.#told = true;\n",
        "",
    ),
    Mutation(
        "what was accepted while the page was away is a draft again",
        "app/web/chat.js",
        "  composer.seen((id) => messages.behind(id));\n",
        "",
    ),
    Mutation(
        "what is sent again after a reload is another message",
        "app/web/chat/composing/composer.js",
        "tries: Infinity, idempotencyKey }",
        "tries: Infinity }",
    ),
    Mutation(
        "a message that is too large is sent all the same",
        "app/web/chat/composing/composer.js",
        "    if (size > most) {",
        "    if (false) {",
    ),
    Mutation(
        "what is empty can be sent",
        "app/web/chat/composing/composer.js",
        "    this.#sendButton.disabled = this.#isEmpty ||",
        "    this.#sendButton.disabled = ",
    ),
    Mutation(
        "what an owner may not have is asked for each time",
        "app/web/chat/composing/model.js",
        "        this.#allowed = allowed(error) ?? this.#allowed;\n",
        "",
    ),
    Mutation(
        "a model is told not to think that always does",
        "app/web/chat/composing/tuning.js",
        "    off: off ?? null,",
        '    off: "disabled",',
    ),
    Mutation(
        "what a price begins ends as a formula",
        "app/web/chat/markdown/rare.js",
        'if (opening === "$" && (/\\s$/.test(tex)',
        'if (opening === "$" && (false',
    ),
    Mutation(
        "a formula that grows is no formula until it is whole",
        "app/web/chat/markdown/unfinished.js",
        "    if (open >= 0) return",
        "    if (false) return",
    ),
    Mutation(
        "any element that Temml makes is one on the page",
        "app/web/chat/markdown/math.js",
        '  if (node.href !== undefined || node.src !== undefined) throw new TypeError("leads somewhere");\n',
        "",
    ),
    Mutation(
        "a formula of any depth is built",
        "app/web/chat/markdown/math.js",
        'if (depth > DEEPEST || --budget.left < 0) throw new RangeError("too large");',
        "",
    ),
    Mutation(
        "code that grows goes on in the middle of a piece",
        "app/web/chat/markdown/tokens.js",
        "lines.findLast((at) => at <= part.length - UNSURE) ?? 0",
        "Math.max(0, part.length - UNSURE)",
    ),
    Mutation(
        "a turn that begins again takes the cards before it along",
        "app/web/chat/answer/answer.js",
        "part.turn >= turn",
        "true",
    ),
    Mutation(
        "a call that nobody answered can still be approved when all is over",
        "app/web/chat/answer/cards.js",
        'if (this.#element.dataset.state === "asks") this.#below(',
        "if (false) this.#below(",
    ),
    Mutation(
        "the answer to a click on Approve takes the place of what came of the call",
        "app/web/chat/answer/cards.js",
        'if (this.#element.dataset.state !== "asks") return;',
        "if (false) return;",
    ),
)
