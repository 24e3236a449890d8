/**
 * Elements. The rule: what comes from outside becomes text or a checked attribute, never markup.
 */

/**
 * An element: `on…` are listeners, the rest attributes (true is an empty one, null and false are none); strings become
 * text, and null and false are left out.
 * @returns {HTMLElement}
 */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== null && value !== false && value !== undefined) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child || child === 0));
  return element;
}

const UP = "M7.500 11v8.500h9.700a2 2 0 002-1.600l1.200-5.500a1.500 1.500 0 00-1.500-1.900H13.500l.8-4.200a1.700 1.700 0 00-3.100-1.200zM7.500 11H4v8.500h3.500";
/** Makes exactly these the children of an element, and moves nothing that stands right: what has the focus keeps it. */
export function arrange(parent, children) {
  const wanted = new Set(children);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  let place = parent.firstElementChild;
  for (const child of children) {
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
  }
}

const ICONS = {
  attach: "M8 12.5l6.2-6.2a2.5 2.5 0 013.5 3.5l-8 8a4.2 4.2 0 01-6-6l7.6-7.5",
  back: "M14 7l-5 5 5 5",
  branch: "M6 4v12m0-6c0 4 10 1 10 6v2M6 20a2 2 0 100-4 2 2 0 000 4zm10 2a2 2 0 100-4 2 2 0 000 4zM6 6a2 2 0 100-4 2 2 0 000 4z",
  check: "M5 12.5l4.5 4.5L19 7.5",
  close: "M6 6l12 12M18 6L6 18",
  copy: "M9 9h10v11H9zM15 9V4H5v11h4",
  down: UP,
  edit: "M5 19h3L19 8l-3-3L5 16z",
  up: UP,
  wrap: "M4 6h16M4 12h13a3 3 0 010 6h-4m2-2l-2 2 2 2M4 18h4",
  on: "M10 7l5 5-5 5",
  retry: "M19 12a7 7 0 11-2.2-5.1M19 4v4h-4",
};

const SVG = "http://www.w3.org/2000/svg";

/** A small picture that says nothing to a screen reader: its button has a name. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", `icon icon-${name}`);
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** A button with a picture and a name. */
export function iconButton(name, label, onclick, attributes = {}) {
  return h("button", { type: "button", class: "quiet", "aria-label": label, title: label, onclick, ...attributes }, icon(name));
}

/** The button that closes a dialog as Escape does. It submits nothing: as the first one that did, Enter would be it. */
export function cancels(dialog) {
  dialog.querySelector(".cancel").addEventListener("click", () => dialog.close());
}

/** Copies, and shows for a moment that it did. */
export async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without TLS there is no clipboard but the old one.
    const area = h("textarea", { class: "offscreen" });
    area.value = text;
    (button.closest("dialog") ?? document.body).append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    button.focus();
  }
  const old = button.querySelector("svg");
  const label = button.getAttribute("aria-label");
  if (label === "Copied") return;
  old?.replaceWith(icon("check"));
  button.setAttribute("aria-label", "Copied");
  setTimeout(() => {
    if (old) button.querySelector("svg")?.replaceWith(old);
    button.setAttribute("aria-label", label);
  }, 1500);
}

/**
 * Whether what is pasted is text that comes with a picture of itself (office programs send both), rather than files, whose
 * names some systems send along.
 */
export function isText(text, files) {
  const names = new Set(files.map((file) => file.name));
  return text.trim() !== "" && !text.trim().split(/[\r\n]+/).every((line) => names.has(line.trim().split(/[\\/]/).pop()));
}
