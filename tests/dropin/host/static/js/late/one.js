/** Starts by listeners, all of them too late; and offers a function to an inline handler. */
import { addMetric, getSessionMetrics } from "../modules/sessions.js";

const tell = (name) =>
  function (event) {
    const target = this === window ? "window" : this === document ? "document" : "other";
    window.told.push(`${name}: ${event.type} on ${target}`);
  };

document.addEventListener("DOMContentLoaded", tell("document"));
document.addEventListener("DOMContentLoaded", tell("once"), { once: true });
window.addEventListener("DOMContentLoaded", tell("window"));
window.addEventListener("load", { handleEvent: tell("object") });
addEventListener("load", tell("global"));
window.onload = tell("replaced");
window.onload = tell("property");

window.count = () => {
  addMetric({ id: 1, estimated_tokens: 5 }, 1);
  window.told.push(`counted ${getSessionMetrics().length}`);
};
window.told.push("one is through");
