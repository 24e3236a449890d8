from __future__ import annotations

from tests.mutations.mutation import Mutation

ROWS = (
    Mutation(
        "a token is used until it is refused",
        "app/clients/js/keepstream.js",
        "!(ends - Date.now() < RENEW_MS)",
        "true",
    ),
    Mutation(
        "a credential that was refused is final",
        "app/clients/js/keepstream.js",
        "if (response.status !== 401 || refused || !auth)",
        "if (true)",
    ),
    Mutation(
        "a ticket is taken for another stream's",
        "app/clients/js/keepstream.js",
        "(!pass.ticket || pass.id === id)",
        "true",
    ),
    Mutation(
        "who asks for a credential can't give up",
        "app/clients/js/keepstream.js",
        "await orAborted(this.#pass(path, refused), init.signal)",
        "await this.#pass(path, refused)",
    ),
    Mutation(
        "each event is a render",
        "app/clients/js/stores.js",
        "    frame ??= setTimeout(show, FRAME_MS);\n",
        "    setTimeout(show, 0);\n",
    ),
    Mutation(
        "what nobody looks at is read on",
        "app/clients/js/stores.js",
        "        if (!listeners.size) phase?.abort();\n",
        "",
    ),
    Mutation(
        "an id that is told begins anew",
        "app/clients/js/react.js",
        "const same = target && held?.store.known() === target;",
        "const same = false;",
    ),
    Mutation(
        "what one was refused is refused to all who wait beside him",
        "app/clients/js/keepstream.js",
        "await asked?.catch((error) => isPassing(error) && Promise.reject(error));",
        "await asked;",
    ),
    Mutation(
        "two things said at once begin two conversations",
        "app/clients/js/conversing.js",
        "await (making = making.then(make, make));",
        "if (!id) await make();",
    ),
    Mutation(
        "what is said stands twice",
        "app/clients/js/conversing.js",
        "    mine = mine.filter((one) => !sent.includes(one));\n",
        "",
    ),
    Mutation(
        "blocks of a second turn replace the first one's",
        "app/clients/js/state.js",
        "...hold([...turns, []]) });",
        "...hold([[]]) });",
    ),
    Mutation(
        "what the AI SDK was handed out is handed out again by the next connection",
        "app/clients/js/ai.js",
        "    if (this.#lines[this.#met] === line) {",
        "    if (false) {",
    ),
    Mutation(
        "an answer whose connection ends early is whole to the AI SDK",
        "app/clients/js/ai.js",
        '        throw new Broken("the connection ended before the answer did");',
        "        return;",
    ),
    Mutation(
        "a stop of the AI SDK only leaves",
        "app/clients/js/ai.js",
        'if (stop === "cancel") cancel(',
        "if (false) cancel(",
    ),
    Mutation(
        "a turn that breaks takes those before it along",
        "app/clients/js/state.js",
        "data.turn ? data.turn - 1 : 0",
        "0",
    ),
)
