/**
 * Keeps the page in this browser, for when there is no network, and tells when there is a newer
 * one. Only the built page has it: `tools/precache.py` writes the service worker that it needs.
 *
 * Nothing happens before the page has shown what it found, so the start is not slowed down. If
 * the page cannot start, whatever could heal it is tried, and then it is loaded again.
 */
import { eventBus } from "./bus.js";

const WORKER = new URL("service-worker.js", document.baseURI);
const FOLDER = new URL("./", WORKER);
const AN_HOUR = 3_600_000;
const A_MINUTE = 60_000;

const boot = document.getElementById("boot");
const notice = document.getElementById("update");
const workers = navigator.serviceWorker; // undefined where the page is not served securely

/** @type {ServiceWorkerRegistration | null} */
let registration = null;

/** This page's version, once it is known. @type {string | null} */
let own = null;

async function register() {
  if (registration) return;
  // Registering again would wait for the browser's look for an update: minutes without a network.
  const known = await workers.getRegistration(FOLDER);
  const isOurs = known?.active && known.scope === FOLDER.href;
  registration = isOurs ? known : await firstRegistration();
  registration.addEventListener("updatefound", () => follow(registration.installing));
  follow(registration.installing); // the browser's own look may have been quicker
}

async function firstRegistration() {
  try {
    return await workers.register(WORKER, { updateViaCache: "none" });
  } catch (error) {
    const { status, type } = await askForWorker();
    const isThere = status === 200 && type.includes("javascript");
    if (!status || isThere) throw error; // the browser does not want it
    throw new Error(error.message, { cause: { file: "service-worker.js", status, type } });
  }
}

/** Looks for a newer version when a service worker has brought one. @param {ServiceWorker?} coming */
function follow(coming) {
  coming?.addEventListener("statechange", () => {
    if (coming.state === "installed" && registration.active) attempt(() => look("look"));
  });
}

/**
 * Asks a service worker to do something.
 * @param {"look" | "tidy" | "repair" | "takeOver" | "leave"} order @param {ServiceWorker} worker
 */
function ask(order, worker = registration.active) {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => resolve(data);
    worker.postMessage(order, [port2]);
  });
}

async function start() {
  await register();
  await workers.ready;
  await look("tidy");
  await leaveIfGone();
  setInterval(update, AN_HOUR); // a page on a second screen stays open for days
  setTimeout(takeOver, A_MINUTE); // nothing is being loaded any more
}

/** Lets a newer service worker work for the pages that are open; they keep their version. */
function takeOver() {
  if (registration.waiting) ask("takeOver", registration.waiting);
}

/** Shows the notice if a version newer than this page's is there. @param {"look" | "tidy"} order */
async function look(order) {
  const { version, latest } = await ask(order);
  own ??= version ?? latest; // what came from the host itself is as new as what it had
  if (own !== latest && hasFailed()) location.reload();
  else notice.hidden = own === latest;
}

/**
 * Looks for a newer version on the host, as the browser itself does when the page is opened; if
 * there is one, `updatefound` tells.
 */
async function update() {
  try {
    await registration.update();
  } catch {
    // Without a network, or with half a service worker on the host, that is as it should be.
  }
}

/**
 * A host that answers, and has no service worker, has no dashboard either, and something else may
 * want to be seen at this address.
 */
async function leaveIfGone() {
  if (await isGone()) await ask("leave");
}

async function isGone() {
  const { status, type } = await askForWorker();
  // Some hosts show a page of their own for whatever is not there, and call that a success.
  return [404, 410].includes(status) || (status === 200 && type.includes("html"));
}

/** What the host says of the service worker; a status of 0 where nobody answers or it redirects. */
async function askForWorker() {
  try {
    const answer = await fetch(WORKER, { method: "HEAD", cache: "no-store", redirect: "manual" });
    return { status: answer.status, type: answer.headers.get("content-type") ?? "" };
  } catch {
    return { status: 0, type: "" };
  }
}

/**
 * Says that a version cannot be kept; the page goes on with what it has.
 * @param {{message: string, file?: string, status?: number, type?: string}} why
 */
function tell({ message, ...why }) {
  console.warn(`The page cannot be kept for offline use: ${message}`);
  const older = workers.controller ?? registration?.active;
  if (why.file) eventBus.emit("page:not_kept", { ...why, update: Boolean(older) });
}

const hasFailed = () => boot.dataset.state === "error";

/** The page could not start: from a version that is broken, or from files that are damaged. */
async function recover() {
  await register();
  if (workers.controller && (await ask("repair")).done) location.reload();
  else {
    await update();
    if (registration.active) await look("look"); // what came before anybody listened
  }
}

/** The page works without. @param {() => Promise<void>} work */
function attempt(work) {
  work().catch(({ message, cause }) => tell({ message, ...cause }));
}

/** Begins when the page has shown what it found, or has failed. */
function watch() {
  const whenFailed = new MutationObserver(() => {
    if (!hasFailed()) return;
    whenFailed.disconnect();
    attempt(recover);
  });
  whenFailed.observe(boot, { attributeFilter: ["data-state"] });

  eventBus.on("connection:changed", function changed({ phase }) {
    if (phase === "connecting") return;
    eventBus.off("connection:changed", changed);
    // Safari has no requestIdleCallback.
    (globalThis.requestIdleCallback ?? setTimeout)(() => attempt(start));
  });
}

if (workers) {
  workers.addEventListener("message", ({ data }) => data?.notKept && tell(data.notKept));
  document.getElementById("update-reload").addEventListener("click", () => location.reload());
  document.getElementById("update-close").addEventListener("click", () => (notice.hidden = true));
  watch();
}
