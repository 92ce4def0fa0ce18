/*
 * The way back: deployed as `service-worker.js`, this takes the service worker out of every
 * browser that visits. Pages then come from the host again, as before there was one.
 */
"use strict";

// Its turn comes when all pages are closed, or when one that has been open for a while asks it to.
addEventListener("message", (event) => event.data === "takeOver" && skipWaiting());
addEventListener("activate", (event) => event.waitUntil(leave()));

async function leave() {
  await caches.delete(`kimi-page:${new URL(registration.scope).pathname}`);
  await registration.unregister();
}
