/**
 * Says so when Python cannot start: a page that stays empty explains nothing.
 */
const boot = document.getElementById("boot");

/** @param {unknown} reason */
function explain(reason) {
  if (boot.hidden) return; // Python is up: what fails now is reported by it
  const text = reason instanceof Error ? reason.message : String(reason);
  boot.dataset.state = "error";
  const label = document.getElementById("boot-text");
  const french = document.documentElement.lang === "fr";
  label.removeAttribute("data-i18n");
  label.textContent = french
    ? `Python n’a pas pu démarrer : ${text}`
    : `Python could not start: ${text}`;
  document.getElementById("boot-reload").hidden = false;
}

addEventListener("error", (event) => explain(event.error ?? event.message));
addEventListener("unhandledrejection", (event) => explain(event.reason));
