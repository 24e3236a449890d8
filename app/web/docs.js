/**
 * Shows a page of the shelf, which is a file of Markdown, as the chat shows an answer. The rule: a page leads to pages of
 * the shelf by the names of their files, so that it reads as well where the files lie.
 */

import { copy, h } from "/chat/dom.js";
import { fetchRare, Markdown } from "/chat/markdown/markdown.js";

const SHELF = new URL("docs/", import.meta.url);
const FRONT_PAGE = "start";
/** Addresses that a page can only name, because they are no files. */
const SERVED = ["/docs/api", "/openapi.json"];

/** A diagram, which is drawn where the files lie, has its picture here; a comment before it names that and says what it shows. */
const DRAWN = /^<!-- (\w+): (.+) -->\s*$/;
/** The newest such comment: a page is read in pieces, and it may be of an earlier one than its diagram. */
let drawn = null;

const name = location.pathname.match(/\/docs\/([a-z]+)$/)?.[1] ?? FRONT_PAGE;

/** Where a link of a page leads, if that is here: another page, a picture, or a place on this one. */
function here(href) {
  if (href.startsWith("#")) return href;
  const found = /^([\w./-]+?)(?:\.md)?(#[\w-]+)?$/.exec(href);
  return found && !href.includes("..") ? new URL(found[1], SHELF).pathname + (found[2] ?? "") : null;
}

/** As the places where files of Markdown are kept call a heading. */
function called(text) {
  return text.toLowerCase().replace(/[^\p{L}\p{N}\p{M}_ -]/gu, "").replaceAll(" ", "-");
}

/** The text of what was read, without its signs. */
function plain(tokens) {
  return tokens.map((token) => (token.tokens ? plain(token.tokens) : token.text)).join("");
}

function mark(tokens) {
  for (const token of tokens) {
    if (token.type === "html") drawn = token.raw.match(DRAWN) ?? drawn;
    else if (token.type === "code" && token.lang === "mermaid" && drawn) {
      const [, picture, text] = drawn;
      Object.assign(token, { type: "paragraph", tokens: [{ type: "image", raw: token.raw, text, href: `pictures/${picture}.svg` }] });
    }
    if (token.type === "heading") token.id = called(plain(token.tokens));
    else if (token.type === "link" || token.type === "image") token.own = here(token.href);
    else if (token.type === "html" && /^<!--[^]*-->\s*$/.test(token.raw)) token.type = "space";
    else if (token.type === "codespan" && SERVED.includes(token.text)) {
      Object.assign(token, { type: "link", own: new URL(`.${token.text}`, new URL("..", SHELF)).pathname });
      token.tokens = [{ ...token, type: "codespan" }];
    }
    if (token.type === "table") for (const cell of [...token.header, ...token.rows.flat()]) mark(cell.tokens);
    else if (token.type === "list") for (const item of token.items) mark(item.tokens);
    else if (token.tokens && !token.own) mark(token.tokens);
  }
}

/** Lists what stands on the page below its name, and has a number of headings open no more than a screen takes. */
function contents(main) {
  const current = document.querySelector(`#pages a[href$="/${name}"]`);
  current?.setAttribute("aria-current", "page");
  const headings = [...main.querySelectorAll("h2")];
  if (headings.length > 1) {
    current?.after(h("ul", {}, headings.map(({ id, textContent }) => h("li", {}, h("a", { href: `#${id}` }, textContent)))));
  }
}

function goTo(hash) {
  const target = document.getElementById(decodeURIComponent(hash.slice(1)));
  if (target) location.replace(hash); // what came after the address was read is found only when it is asked for again
}

/** Beside the text the list is always open; on a phone it would be all there is to see. */
function fold() {
  const list = document.querySelector("#pages details");
  const wide = matchMedia("(min-width: 48rem)");
  const follow = () => list.toggleAttribute("open", wide.matches);
  wide.addEventListener("change", follow);
  list.addEventListener("click", ({ target }) => target.closest("a") && follow());
  follow();
}

async function show(text) {
  const main = document.getElementById("main");
  const markdown = new Markdown(main, { above: 0, breaks: false, mark });
  main.replaceChildren();
  markdown.write(text);
  markdown.end();
  if (markdown.draw(Infinity)) {
    await fetchRare();
    markdown.draw(Infinity);
  }
  const place = document.getElementById("a-load-of-your-own");
  if (place) (await import("/docs/calculator.js")).calculator(main, place);
  main.setAttribute("aria-busy", "false");
  document.title = `${main.querySelector("h1").textContent} · Keepstream`;
  contents(main);
  if (location.hash) goTo(location.hash);
  document.documentElement.dataset.ready = "";
}

addEventListener("click", ({ target }) => {
  const button = target.closest?.(".copy-code");
  if (button) copy(button.closest("figure").querySelector("code").textContent, button);
});
fold();
const answer = await fetch(new URL(`${name}.md`, SHELF));
if (answer.ok) await show(await answer.text());
else document.getElementById("main").textContent = `The page cannot be read: ${answer.status}`;
