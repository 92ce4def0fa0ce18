/** Looks before it listens; it knows the module by another address, which makes it another one. */
import * as cached from "../modules/sessions.js?v=3";
import * as sessions from "../modules/sessions.js";

function start() {
  window.told.push(`two starts when ${document.readyState}`);
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
else start();

sessions.setCurrentMaxContext(1000);
cached.setCurrentMaxContext(2000);
window.windows = [sessions.getCurrentMaxContext(), cached.getCurrentMaxContext()];
window.told.push("two is through");
