/** What a person confirms. It and ui.js import each other. */
import { clearMetrics, getCurrentMaxContext, setCurrentMaxContext } from "./sessions.js";
import { toast } from "./ui.js";

export function clear() {
  clearMetrics();
  toast("Cleared");
}

export function showWindow() {
  return `of ${getCurrentMaxContext()}`;
}

export function chooseWindow(tokens) {
  setCurrentMaxContext(tokens);
}
