/*
 * Serves the built page from this browser: it opens without a network, and every file of one
 * page comes from one version.
 *
 * `tools/precache.py` puts a line `const BUILD = {"version": …, "files": {path: SHA-256}, …};` before
 * this text. The browser installs the script whenever a byte of it has changed:
 *
 *   install   fetches the files that are not here yet, and refuses any that is not what BUILD
 *             says. A deploy that was met half-way, or is broken, never becomes a version.
 *   takeover  is a note of what the newest complete version is: pages that are opened from then on
 *             get it. An open page keeps the one that it began with, which its record tells.
 *   tidying   deletes what neither the newest version nor an open page has a use for.
 *
 * The older service worker goes on until all pages are closed or a page asks for the newer one in a
 * calm moment: what is being answered while they change places can get lost. So each of them serves
 * pages of every version, and the form of notes and records must not change.
 *
 * Files are kept under their content's hash, so versions share what did not change, and an update
 * fetches only what did. Whatever is not a file of the page (a proxy's answers, other pages of
 * this origin, other origins) goes to the network untouched and is never kept.
 */
"use strict";

const SCOPE = new URL(registration.scope);
/** One cache a folder: two dashboards on one origin know nothing of each other. */
const CACHE = `kimi-page:${SCOPE.pathname}`;
/** Where the page's first script keeps Python unpacked, for all dashboards of the origin. */
const BOOT_CACHE = "kimi-boot";

/** Addresses in the cache. They are never requested; the cache wants addresses as keys. */
const contentKey = (path, hash) => new URL(`.content/${hash}/${path.split("/").at(-1)}`, SCOPE).href;
const RECORDS = new URL(".pages/", SCOPE).href;
const NEWEST = new URL(".newest", SCOPE).href;
const PAGE = "index.html";

/** What the proxy answers, at the root or in the page's folder: never looked up, let alone kept. */
const PROXY = /^\/(api\/|ws$|health$|openapi\.json$)/;

/**
 * The types of the page's files by their endings, whatever a host takes them for: one that is kept
 * with a wrong type would be refused by the browser for as long as it is kept.
 */
const TYPES = {
  css: "text/css; charset=utf-8",
  gz: "application/gzip",
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  json: "application/json",
  pack: "application/octet-stream",
  svg: "image/svg+xml",
  toml: "application/toml",
  txt: "text/plain; charset=utf-8",
  wasm: "application/wasm",
  zip: "application/zip",
};
const typeOf = (path) => TYPES[path.split(".").at(-1)] ?? "application/octet-stream";

/** What a host says of how its answer travelled and for how long it may be kept. */
const OF_THE_WAY = [
  "age", "content-encoding", "content-length", "date", "etag", "expires", "last-modified", "vary",
];

/** What a page began with that came from the host because the cache was empty. */
const NO_BUILD = { version: null, files: {} };

/** Files that are fetched at the same time. */
const LANES = 4;
/** A page is not listed before it has begun to load: its record is left alone for a minute. */
const YOUNG = 60_000;

addEventListener("install", (event) => event.waitUntil(install()));
addEventListener("fetch", serve);
addEventListener("message", (event) => event.waitUntil(obey(event)));

/* -- serving -------------------------------------------------------------------------------- */

/** What an open page (or its worker) began with, by its id. @type {Map<string, Promise<object>>} */
const builds = new Map();
/** Ids of those that are known to have begun with BUILD. */
const current = new Set();

/** @param {FetchEvent} event */
function serve(event) {
  const path = pagePath(event.request);
  if (path === null) return;
  if (event.request.mode === "navigate") {
    if (path === PAGE) event.respondWith(open(event));
  } else if (Object.hasOwn(BUILD.files, path) || !current.has(event.clientId)) {
    event.respondWith(answer(event, path));
  }
}

/** A request's path below the page's folder; null for what cannot be a file of the page. */
function pagePath(request) {
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== SCOPE.origin) return null;
  if (!url.pathname.startsWith(SCOPE.pathname)) return null;
  const path = url.pathname.slice(SCOPE.pathname.length);
  if (PROXY.test(url.pathname) || PROXY.test(`/${path}`)) return null;
  if (url.search && request.mode !== "navigate") return null; // only the page's address has one
  return path || PAGE;
}

/** A page is opened: it gets the newest version, and it is noted down that it did. */
async function open(event) {
  const build = await newest();
  const page = await kept(contentKey(PAGE, build.files[PAGE]));
  await record(event.resultingClientId, page ? build : NO_BUILD);
  return page ?? fetch(event.request);
}

/** An open page asks for a file: it gets its own version's. */
async function answer(event, path) {
  const build = await buildOf(event.clientId);
  if (!Object.hasOwn(build.files, path)) return fetch(event.request);
  // A worker that the page starts belongs to the page's version.
  if (event.resultingClientId) await record(event.resultingClientId, build);
  const hash = build.files[path];
  return (
    (await kept(contentKey(path, hash))) ??
    (await unpacked(build, path)) ??
    download(build, path, hash)
  );
}

/** Python's WebAssembly: the page unpacks it itself, and asks for it as it is when that failed. */
async function unpacked(build, path) {
  const pack = self.DecompressionStream && packOf(build, path); // Firefox has it since 113
  const answer = pack && (await kept(contentKey(...pack)));
  if (!answer) return undefined;
  const headers = { "content-type": "application/wasm" };
  return new Response(answer.body.pipeThrough(new DecompressionStream("gzip")), { headers });
}

/** The packed file, with its hash, that holds a WebAssembly file too. */
function packOf({ files, unpacked }, path) {
  if (!path.endsWith(".wasm")) return undefined;
  return Object.entries(files).find(([, hash]) => unpacked[hash] === files[path]);
}

/** Reads the cache; a browser that cannot is told about once a file, and the page goes on. */
async function kept(key) {
  try {
    return await caches.match(key, { cacheName: CACHE });
  } catch (error) {
    console.error(`${key} cannot be read: ${error.message}`);
    return undefined;
  }
}

/** @param {string} id of a page or worker @param {typeof BUILD} build what it begins with */
async function record(id, build) {
  know(id, Promise.resolve(build));
  try {
    const cache = await caches.open(CACHE);
    await cache.put(RECORDS + id, asNote({ id, since: Date.now(), build }));
  } catch (error) {
    // Only the next service worker needs it: with a full disk there will hardly be one.
    console.error(`A page's version cannot be noted down: ${error.message}`);
  }
}

/** What Response.json() returns, which Safari has since 17. @param {object} content */
const asNote = (content) => new Response(JSON.stringify(content));

function know(id, build) {
  builds.set(id, build);
  build.then(({ version }) => version === BUILD.version && current.add(id));
}

/** What a page began with, even if another worker served it then. */
function buildOf(id) {
  if (!builds.has(id)) know(id, recall(id));
  return builds.get(id);
}

async function recall(id) {
  const note = await kept(RECORDS + id);
  return note ? (await note.json()).build : BUILD;
}

/** The newest version that is complete, whichever service worker has brought it. */
async function newest() {
  const note = await kept(NEWEST); // missing when somebody has emptied the cache
  return note ? note.json() : BUILD;
}

/* -- versions ------------------------------------------------------------------------------- */

async function install() {
  try {
    await navigator.locks.request(CACHE, async () => {
      await complete(await caches.open(CACHE), BUILD, () => true);
    });
  } catch (error) {
    await tell({ message: error.message, ...error.cause });
    throw error;
  }
}

/** Has the open pages say why this version is not kept. @param {object} notKept */
async function tell(notKept) {
  for (const page of await clients.matchAll({ includeUncontrolled: true })) {
    if (page.url.startsWith(SCOPE.href)) page.postMessage({ notKept });
  }
}

/**
 * Fetches the files of a version that are missing, or that are not worth keeping, and notes down
 * that this is the newest version, which from now on is opened.
 * @param {Cache} cache @param {typeof BUILD} build
 * @param {(file: Response, hash: string) => boolean | Promise<boolean>} isGood
 * @returns {Promise<number>} how many it fetched
 */
async function complete(cache, build, isGood) {
  const waiting = Object.entries(build.files).filter(([path]) => !packOf(build, path));
  let fetched = 0;
  const lane = async () => {
    for (let next; (next = waiting.pop()); ) {
      const [path, hash] = next;
      const key = contentKey(path, hash);
      const file = await cache.match(key);
      const isTyped = file?.headers.get("content-type") === typeOf(path);
      if (isTyped && (await isGood(file, hash))) continue;
      await cache.put(key, await download(build, path, hash));
      fetched += 1;
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  await cache.put(NEWEST, asNote(build));
  return fetched;
}

/** Fetches a file, and makes sure that it is the one that is meant. */
async function download({ unpacked }, path, hash) {
  // Asking whether the browser's own copy is current spares most of the first download. A host
  // that tells changes by the second can be wrong about that: then everything is sent again.
  let answer;
  for (const cache of ["no-cache", "reload"]) {
    answer = await fetch(new URL(path, SCOPE), { cache });
    if (!answer.ok) break;
    const bytes = await answer.arrayBuffer();
    // Some hosts have the browser unpack every .gz; who reads such a file takes it either way.
    if (![hash, unpacked[hash]].includes(await digest(bytes))) continue;
    const headers = new Headers(answer.headers);
    for (const name of OF_THE_WAY) headers.delete(name);
    // Otherwise the browser takes a file of the page before for one of this page, unasked.
    headers.set("cache-control", "no-cache");
    headers.set("content-type", typeOf(path));
    return new Response(bytes, { headers });
  }
  throw unlikeBuilt(path, answer);
}

/** A file is missing, of another version, or a host shows a page of its own in its place. */
function unlikeBuilt(file, { status, headers }) {
  const type = headers.get("content-type") ?? "";
  const message = `${file} does not come as it was built (status ${status}, ${type || "no type"}).`;
  return new Error(message, { cause: { file, status, type } });
}

/** @param {ArrayBuffer} bytes */
async function digest(bytes) {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/* -- what pages ask for --------------------------------------------------------------------- */

/*
 * Pages of older versions ask too: what an order means must never change.
 * The answer says what was done, which version the page has (null if it came from the host), and
 * which is the newest.
 */
async function obey({ data, source, ports }) {
  const order = { look: () => null, tidy, repair, takeOver: skipWaiting, leave }[data];
  const note = await kept(RECORDS + source.id);
  const version = note ? (await note.json()).build.version : null;
  const { version: latest } = await newest();
  let done = null;
  try {
    done = await order();
  } finally {
    ports[0].postMessage({ done, version, latest });
  }
}

/** Puts back what has gone missing, and deletes what nobody uses any more. */
function tidy() {
  return whileAlone(async (cache, build) => {
    await complete(cache, build, () => true);
    const open = new Set();
    for (const { id } of await clients.matchAll({ includeUncontrolled: true, type: "all" })) {
      open.add(id);
    }
    const stored = (await cache.keys()).map((request) => request.url);
    const used = new Set([NEWEST, ...contentKeys(build)]);
    for (const key of stored.filter((key) => key.startsWith(RECORDS))) {
      const { id, since, build } = await (await cache.match(key)).json();
      if (!open.has(id) && Date.now() - since > YOUNG) continue;
      for (const needed of [key, ...contentKeys(build)]) used.add(needed);
    }
    for (const key of stored) if (!used.has(key)) await cache.delete(key);
  });
}

const contentKeys = ({ files }) => Object.entries(files).map((entry) => contentKey(...entry));

/** Fetches again what is damaged: a page could not start. Returns how many files that were. */
function repair() {
  return whileAlone((cache, build) => {
    const sound = async (file, hash) =>
      [hash, build.unpacked[hash]].includes(await digest(await file.arrayBuffer()));
    return complete(cache, build, sound);
  });
}

/** Does something while no newer version is on its way, whose files nobody seems to use yet. */
async function whileAlone(work) {
  return navigator.locks.request(CACHE, { ifAvailable: true }, async (lock) => {
    if (!lock || registration.installing) return null;
    return work(await caches.open(CACHE), await newest());
  });
}

/** The host has no dashboard any more: so neither has this browser. */
async function leave() {
  await caches.delete(CACHE);
  if (await caches.has(BOOT_CACHE)) {
    const boot = await caches.open(BOOT_CACHE);
    for (const { url } of await boot.keys()) if (url.startsWith(SCOPE.href)) await boot.delete(url);
  }
  await registration.unregister();
}
