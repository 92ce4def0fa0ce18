/**
 * The page's hands: carries out what Python decided for a frame, and reports what a person
 * did. One call each way, for a call between the languages costs more than what it does.
 *
 * Text is only ever written as text. Nothing here decides anything.
 */
import * as bus from "./bus.js";

export { bus };
export { requestFrame } from "./frames.js";
export { openSocket } from "./socket.js";

/** @type {Map<string, HTMLElement>} */
const elements = new Map();

/** @param {string} id @returns {any} */
function byId(id) {
  let element = elements.get(id);
  if (!element) {
    element = document.getElementById(id);
    if (!element) throw new Error(`The page has no element #${id}.`);
    elements.set(id, element);
  }
  return element;
}

/** A text that stands alone is changed in place: another node would be laid out from anew. */
function writeText(element, value) {
  const node = element.firstChild;
  if (node?.nodeType === Node.TEXT_NODE && node === element.lastChild) node.data = value;
  else element.textContent = value;
}

/** Writes one named aspect of an element: text, `@attribute`, `--property` or `.property`. */
function write(element, name, value) {
  if (name === "") writeText(element, value);
  else if (name[0] === "@") {
    if (value === null) element.removeAttribute(name.slice(1));
    else element.setAttribute(name.slice(1), value);
  } else if (name[0] === ".") element[name.slice(1)] = value;
  else element.style.setProperty(name, value);
}

/* -- lists: rows cloned from a <template>, reused by key --------------------------------- */

/** @type {Map<string, Map<string, {root: HTMLElement, fields: Map<string, HTMLElement>}>>} */
const lists = new Map();

function makeRow(template) {
  const root = byId(template).content.firstElementChild.cloneNode(true);
  const fields = new Map([["", root]]);
  for (const field of root.querySelectorAll("[data-field]")) fields.set(field.dataset.field, field);
  return { root, fields };
}

/** Field names are `name`, `name@attribute` or `name.property`; the empty name is the row. */
function writeField(row, key, value) {
  const at = key.search(/[@.]/);
  const field = row.fields.get(at < 0 ? key : key.slice(0, at));
  write(field, at < 0 ? "" : key.slice(at), value);
}

/** @param {Array<[string, string | null, object]>} changes key, key of the row to reuse, fields */
function writeRows(containerId, template, order, changes) {
  const container = byId(containerId);
  let rows = lists.get(containerId);
  if (!rows) lists.set(containerId, (rows = new Map()));
  const stay = changes.filter(([, old]) => old !== null).length === rows.size;
  for (const [key, old, fields] of changes) {
    let row = rows.get(old ?? key);
    if (!row) row = makeRow(template);
    if (old !== null) {
      rows.delete(old);
      // It is most likely the last one now, unless all of them have become others in their places.
      if (!stay) container.append(row.root);
    }
    rows.set(key, row);
    for (const name in fields) writeField(row, name, fields[name]);
  }
  const before = container.childElementCount;
  if (order) arrange(container, rows, order);
  if (following.has(containerId) && container.childElementCount !== before) grown.add(container);
}

function arrange(container, rows, order) {
  const wanted = new Set(order);
  for (const [key, row] of rows) {
    if (!wanted.has(key)) {
      row.root.remove();
      rows.delete(key);
    }
  }
  let next = container.firstElementChild;
  for (const key of order) {
    const { root } = rows.get(key);
    if (root === next) next = next.nextElementSibling;
    else container.insertBefore(root, next);
  }
}

/* -- lists that keep their newest row in view --------------------------------------------- */

/** Ids of the lists whose reader is at the end. @type {Set<string>} */
const following = new Set();
/** Those of them that have other rows than before. @type {Set<HTMLElement>} */
const grown = new Set();
const NEAR_END = 24;

function follow(id, follows) {
  if (follows) following.add(id);
  else following.delete(id);
  // The browser keeps what is being read in place, which is not what a follower wants.
  byId(id).style.overflowAnchor = follows ? "none" : "";
}

function followList(id) {
  const list = byId(id);
  let top = 0;
  const stay = () => following.has(id) && (list.scrollTop = list.scrollHeight);
  follow(id, true);
  new ResizeObserver(stay).observe(list);
  list.addEventListener(
    "scroll",
    () => {
      const atEnd = list.scrollTop + list.clientHeight >= list.scrollHeight - NEAR_END;
      const upwards = list.scrollTop < top;
      top = list.scrollTop;
      // Rows that arrive take the end away from under the reader: only going up is leaving it.
      if (atEnd === following.has(id) || (!atEnd && !upwards)) return;
      follow(id, atEnd);
      report("list:follow", { list: id, following: atEnd });
    },
    { passive: true },
  );
}

/* -- words in the page's language -------------------------------------------------------- */

const TRANSLATED = [
  ["data-i18n", ""],
  ["data-i18n-aria-label", "@aria-label"],
  ["data-i18n-placeholder", "@placeholder"],
  ["data-i18n-title", "@title"],
];

function translate(language, texts) {
  document.documentElement.lang = language;
  const roots = [document, ...[...document.querySelectorAll("template")].map((t) => t.content)];
  for (const root of roots) {
    for (const [attribute, name] of TRANSLATED) {
      for (const element of root.querySelectorAll(`[${attribute}]`)) {
        const text = texts[element.getAttribute(attribute)];
        if (text !== undefined) write(element, name, text);
      }
    }
  }
}

/* -- one frame's work --------------------------------------------------------------------- */

const OPERATIONS = {
  write: (id, name, value) => write(byId(id), name, value),
  rows: writeRows,
  follow: followList,
  toEnd(id) {
    follow(id, true);
    byId(id).scrollTop = byId(id).scrollHeight;
  },
  options(id, options, selected) {
    const select = byId(id);
    select.replaceChildren(...options.map(([value, label]) => new Option(label, value)));
    select.value = selected;
  },
  open(id) {
    const element = byId(id);
    if (element.matches("dialog") && !element.open) element.showModal();
  },
  close(id) {
    const element = byId(id);
    if (element.matches("dialog")) element.close();
    else if (element.popover && element.matches(":popover-open")) element.hidePopover();
  },
  focus: (id) => byId(id).focus(),
  translate,
};

/** @param {string} json a list of `[operation, ...arguments]` */
export function apply(json) {
  for (const [operation, ...args] of JSON.parse(json)) OPERATIONS[operation](...args);
  // Last of all, for it makes the browser lay out what has been written.
  for (const list of grown) list.scrollTop = list.scrollHeight;
  grown.clear();
}

/** @param {string} id @returns {string} what a person has typed into a field */
export function read(id) {
  return byId(id).value;
}

/* -- what a person does ------------------------------------------------------------------- */

/** @type {(json: string) => void} */
let listener = () => {};

function report(action, details) {
  listener(JSON.stringify({ action, ...details }));
}

function reportEvent(event) {
  const target = event.target.closest?.("[data-action]");
  if (!target || (target.dataset.on ?? "click") !== event.type) return;
  // The buttons of forms do their work here: no form is ever sent anywhere.
  if (target.type === "submit") event.preventDefault();
  const row = target.closest("[data-session-id], [data-user-id], [data-toast], [data-row]");
  const form = target.closest("form");
  const fields = {};
  for (const field of form?.elements ?? []) if (field.id) fields[field.id] = field.value;
  if (target.dataset.action === "dialog:close") return target.closest("dialog").close();
  if (target.type === "file") {
    reportFile(target).catch(reportError);
    return;
  }
  report(target.dataset.action, {
    value: target.dataset.value ?? target.dataset.series ?? target.value ?? null,
    checked: target.checked ?? null,
    row: row?.dataset.sessionId ?? row?.dataset.userId ?? row?.dataset.toast ?? row?.dataset.row ?? null,
    fields,
  });
}

const LARGEST_FILE = 8_000_000;

/** Reads the file that a person chose; its value is null when it cannot be read, or is huge. */
async function reportFile(field) {
  const [file] = field.files;
  if (!file) return;
  field.value = ""; // the same file can be chosen again
  const text = file.size > Number(field.dataset.most ?? LARGEST_FILE) ? null : await file.text().catch(() => null);
  report(field.dataset.action, { value: text });
}

/** @param {(json: string) => void} handler is told of everything a person does */
export function listen(handler) {
  listener = handler;
  for (const type of ["click", "change", "input"]) document.addEventListener(type, reportEvent);
  // A dialog closes by its buttons and by Escape; its own event tells of both. It does not bubble.
  const closed = (event) => report("dialog:close", { value: event.target.id });
  document.addEventListener("close", closed, true);
}

/* -- files -------------------------------------------------------------------------------- */

/** Offers a text as a file to keep. */
export function save(name, type, text) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/* -- the chart, loaded when there is something to draw ------------------------------------- */

let chartTries = 0;

/** @param {string} id @returns {Promise<object>} the chart in that element */
export async function loadChart(id) {
  const again = chartTries ? `?try=${chartTries}` : "";
  chartTries += 1;
  const { Chart } = await import(`./chart.js${again}`);
  return new Chart(byId(id));
}
