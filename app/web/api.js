/**
 * Shows `/openapi.json` as a page. The rule: everything is text; nothing of the description is ever taken for markup.
 */

const METHODS = ["get", "post", "put", "patch", "delete"];

/** An element with attributes and children; strings become text. */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

function resolve(description, thing) {
  if (!thing?.$ref) return thing;
  return thing.$ref.slice(2).split("/").reduce((found, key) => found[key], description);
}

/** Text with `code` in it. */
const prose = (text) => (text ?? "").split("`").map((part, n) => (n % 2 ? make("code", {}, part) : part));

const nameOf = (reference) => reference.slice(reference.lastIndexOf("/") + 1);

/** A schema in a few words, with links to the named ones. */
function inWords(schema = {}) {
  if (schema.$ref) return [make("a", { href: `#schema-${nameOf(schema.$ref)}` }, nameOf(schema.$ref))];
  if (schema.anyOf) return schema.anyOf.flatMap((one, n) => [n ? " or " : "", ...inWords(one)]);
  if (schema.type === "array") return ["list of ", ...inWords(schema.items ?? {})];
  if ("const" in schema) return [JSON.stringify(schema.const)];
  if (schema.enum) return [schema.enum.map((one) => JSON.stringify(one)).join(", ")];
  return [[schema.type ?? "anything"].flat().join(" or ")];
}

function rows(pairs) {
  if (!pairs.length) return null;
  return make("table", {}, make("tbody", {}, pairs.map(([head, ...cell]) =>
    make("tr", {}, make("th", { scope: "row" }, head), make("td", {}, ...cell)))));
}

function content(of) {
  return Object.entries(of ?? {}).flatMap(([type, { schema = {} }]) => {
    const events = type === "text/event-stream" ? schema.anyOf : null;
    return [
      make("p", {}, make("code", {}, type), " ", ...(events ? prose(schema.description) : inWords(schema))),
      events ? rows(events.map(({ title, properties }) => [
        `event: ${title}`, ...inWords(properties.data.contentSchema)])) : null,
    ];
  });
}

function operation(description, path, method, { summary, description: text, parameters = [], requestBody, responses }) {
  const given = parameters.map((parameter) => resolve(description, parameter));
  const answers = Object.entries(responses).map(([status, answer]) => [status, resolve(description, answer)]);
  const failed = ([status]) => status >= "400";
  return make("section", { class: "operation", id: `${method}-${path}` },
    make("h3", {}, make("span", { class: `method ${method}` }, method), ` ${path}`),
    make("p", {}, prose(text ? `${summary}. ${text}` : summary)),
    given.length ? make("h4", {}, "Parameters") : null,
    rows(given.map(({ name, in: where, required, description: what, schema }) => [
      name,
      make("span", { class: "quiet" }, `${where}, `, inWords(schema), required ? ", required" : ""),
      make("div", {}, prose(what)),
    ])),
    requestBody ? make("h4", {}, "Body") : null,
    content(requestBody?.content),
    make("h4", {}, "Answers"),
    answers.filter((one) => !failed(one)).map(([status, answer]) => [
      make("p", {}, make("strong", { class: "status" }, status), " ", prose(answer.description)),
      ...content(answer.content),
    ]),
    make("details", {}, make("summary", {}, "Errors"),
      rows(answers.filter(failed).map(([status, answer]) => [status, ...prose(answer.description)]))),
  );
}

function show(description) {
  const contents = [];
  const parts = [make("h1", {}, description.info.title),
    ...description.info.description.trim().split("\n\n").map((text) => make("p", {}, prose(text))),
    make("p", {}, "As OpenAPI: ", make("a", { href: "/openapi.json" }, "/openapi.json"), ". To try it: ",
      make("a", { href: "/" }, "the chat"), ". All else that there is to read: ", make("a", { href: "/docs" }, "the shelf"), ".")];
  for (const { name, description: text } of description.tags) {
    const heading = { id: `tag-${name}` };
    parts.push(make("h2", heading, name), make("p", { class: "quiet" }, prose(text)));
    const paths = Object.entries(description.paths).flatMap(([path, item]) =>
      METHODS.filter((one) => item[one]?.tags.includes(name)).map((method) => [path, method, item[method]]));
    if (name === "Files") {
      contents.push(make("h2", {}, make("a", { href: `#${heading.id}` }, name)));
      parts.push(make("ul", { class: "files" }, paths.map(([path]) =>
        make("li", {}, make("a", { href: path }, make("code", {}, path))))));
      continue;
    }
    contents.push(make("h2", {}, name));
    for (const [path, method, item] of paths) {
      contents.push(make("a", { href: `#${method}-${path}`, class: "call" },
        make("span", { class: `method ${method}` }, method), make("span", {}, path)));
      parts.push(operation(description, path, method, item));
    }
  }
  contents.push(make("h2", {}, "Shapes"));
  parts.push(make("h2", {}, "Shapes"));
  for (const [name, schema] of Object.entries(description.components.schemas)) {
    contents.push(make("a", { href: `#schema-${name}` }, name));
    const fields = Object.entries(schema.properties ?? {}).map(([field, of]) => [
      field,
      make("span", { class: "quiet" }, inWords(of), schema.required?.includes(field) ? "" : ", optional"),
      make("div", {}, prose(of.description)),
    ]);
    parts.push(make("section", { class: "operation", id: `schema-${name}` },
      make("h3", {}, name), schema.description ? make("p", {}, prose(schema.description)) : null, rows(fields)));
  }
  const list = make("details", {}, make("summary", {}, "Contents"), contents);
  // Beside the text it is always open; on a phone it would be all there is to see.
  const wide = matchMedia("(min-width: 48rem)");
  const follow = () => list.toggleAttribute("open", wide.matches);
  wide.addEventListener("change", follow);
  list.addEventListener("click", ({ target }) => target.closest("a") && follow());
  follow();
  document.getElementById("contents").replaceChildren(list);
  const main = document.getElementById("main");
  main.replaceChildren(...parts.flat());
  main.setAttribute("aria-busy", "false");
  document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
}

const answer = await fetch("/openapi.json");
if (answer.ok) show(await answer.json());
else document.getElementById("main").textContent = `The description cannot be read: ${answer.status}`;
