/**
 * Says that Python is starting when that takes long, and why when it cannot: a page that stays
 * empty explains nothing.
 */
const boot = document.getElementById("boot");
const label = document.getElementById("boot-text");
const words = window.kimiWords?.[document.documentElement.lang] ?? {};

/** Milliseconds from the start of the visit: who waits no longer need not hear of it. */
const LONG = 500;

function tell() {
  boot.dataset.slow = "true";
  label.replaceChildren(label.textContent); // a text that is written is read out
}
setTimeout(tell, LONG - performance.now());

/** @param {unknown} reason */
function explain(reason) {
  if (boot.hidden) return; // Python is up: what fails now is reported by it
  const text = reason instanceof Error ? reason.message : String(reason);
  boot.dataset.state = "error";
  label.removeAttribute("data-i18n");
  label.textContent = (words["boot.failed"] ?? "{reason}").replace("{reason}", () => text);
  document.getElementById("boot-reload").hidden = false;
}

/** Files that Python waits for do not come; they are asked for again (interpreter.js). */
function sayThatHostIsAway() {
  if (boot.hidden || boot.dataset.state === "error") return;
  label.removeAttribute("data-i18n");
  label.textContent = words["boot.host_away"] ?? "";
}

addEventListener("kimi:host-away", sayThatHostIsAway);
addEventListener("error", (event) => explain(event.error ?? event.message));
addEventListener("unhandledrejection", (event) => explain(event.reason));
