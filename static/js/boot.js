/**
 * Says so when Python cannot start: a page that stays empty explains nothing.
 */
const boot = document.getElementById("boot");

const language = document.documentElement.lang;
const french =
  language === "fr" || (!localStorageHas(`kimi:${document.documentElement.dataset.user}:language`) && navigator.language.startsWith("fr"));
if (french) document.getElementById("boot-text").textContent = "Démarrage de Python…";

/** @param {string} key */
function localStorageHas(key) {
  try {
    return localStorage.getItem(key) !== null;
  } catch {
    return false; // blocked: nothing is remembered
  }
}

/** @param {unknown} reason */
function explain(reason) {
  if (boot.hidden) return; // Python is up: what fails now is reported by it
  const text = reason instanceof Error ? reason.message : String(reason);
  boot.dataset.state = "error";
  const label = document.getElementById("boot-text");
  label.removeAttribute("data-i18n");
  label.textContent = french
    ? `Python n’a pas pu démarrer : ${text}`
    : `Python could not start: ${text}`;
  document.getElementById("boot-reload").hidden = false;
}

addEventListener("error", (event) => explain(event.error ?? event.message));
addEventListener("unhandledrejection", (event) => explain(event.reason));
