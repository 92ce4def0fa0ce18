/**
 * Says that Python is starting when that takes long, and why when it cannot: a page that stays
 * empty explains nothing.
 */
const boot = document.getElementById("boot");
const label = document.getElementById("boot-text");
const bar = document.getElementById("boot-progress");
const amount = document.getElementById("boot-amount");
const words = window.kimiWords?.[document.documentElement.lang] ?? {};

/** Milliseconds from the start of the visit: who waits no longer need not hear of it. */
const LONG = 500;
/** Milliseconds from the start of the visit after which a person wants to know how far it is. */
const VERY_LONG = 1500;
/** Milliseconds from one look at what has arrived to the next. */
const LOOK = 250;

const MEGABYTE = 1_000_000;
const megabytes = new Intl.NumberFormat(document.documentElement.lang, {
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});

const isStarting = () => !boot.hidden && boot.dataset.state === "loading";

function tell() {
  boot.dataset.slow = "true";
  label.replaceChildren(label.textContent); // a text that is written is read out
}
setTimeout(tell, LONG - performance.now());

/** Shows how much of the large files has arrived, while they do (load.js counts). */
function showProgress() {
  const { arrived = 0, size = 0 } = window.kimiBoot?.progress ?? {};
  const isComing = isStarting() && arrived < size;
  bar.hidden = !isComing;
  boot.toggleAttribute("data-progress", isComing);
  amount.textContent = isComing ? amountOf(arrived, size) : "";
  if (isComing) {
    bar.max = size;
    bar.value = arrived;
    bar.setAttribute("aria-valuetext", amount.textContent);
  }
  if (isStarting()) setTimeout(showProgress, LOOK);
}
setTimeout(showProgress, VERY_LONG - performance.now());

/** @param {number} arrived @param {number} size bytes */
function amountOf(arrived, size) {
  return (words["boot.progress"] ?? "{arrived} / {size}")
    .replace("{arrived}", megabytes.format(arrived / MEGABYTE))
    .replace("{size}", megabytes.format(size / MEGABYTE));
}

/** @param {string} sentence why the page cannot start; the first cause is the one that counts */
function giveUp(sentence) {
  if (!isStarting()) return; // Python is up: what fails now is reported by it
  boot.dataset.state = "error";
  showProgress();
  label.removeAttribute("data-i18n");
  label.textContent = sentence;
  document.getElementById("boot-reload").hidden = false;
}

/** @param {unknown} reason */
function explain(reason) {
  const text = reason instanceof Error ? reason.message : String(reason);
  const isTooOld = reason instanceof SyntaxError; // our own files have none
  const sentence = isTooOld ? words["boot.too_old"] : words["boot.failed"];
  giveUp((sentence ?? "{reason}").replace("{reason}", () => text));
}

/** Files that Python waits for do not come; they are asked for again (interpreter.js). */
function sayThatHostIsAway() {
  if (!isStarting()) return;
  label.removeAttribute("data-i18n");
  label.textContent = words["boot.host_away"] ?? "";
}

addEventListener("kimi:host-away", sayThatHostIsAway);
addEventListener("error", (event) => explain(event.error ?? event.message));
addEventListener("unhandledrejection", (event) => explain(event.reason));

if (!window.WebAssembly) giveUp(words["boot.no_wasm"] ?? "");
