/**
 * Starts Python and returns the functions of py/dropin/surface.py.
 *
 * Every address is relative to this file, so the folder works wherever it is copied to.
 */
import { fetch, load, nameOf, problem, whileTheyCome } from "./downloads.js";
import { callLateListeners } from "./late-listeners.js";
import { loadPyodide } from "./pyodide/pyodide.js";

const ARCHIVE = new URL("./sessions.zip", import.meta.url);
const PYODIDE = new URL("./pyodide/", import.meta.url);
const INTERPRETER = new URL("./pyodide/pyodide.asm.js", import.meta.url);
const EMPTY_MODULE = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
const UNPACKED = "/home/pyodide/sessions.zip";
/** Imported one by one, for the page to breathe in between; the last one is the one wanted. */
const IN_PIECES = [
  "datetime",
  "sessions.events",
  "sessions.models",
  "sessions.fusion",
  "sessions.state",
  "sessions.manager",
  "sessions.proxy_api",
  "dropin.surface",
  "dropin.host",
];

/** The one Python of the page, whatever addresses sessions.js is imported by. */
let python;

/**
 * Returns functions on a state of their own.
 * @param {(event: string, json?: string) => void} deliver takes what Python announces
 * @returns {Promise<Record<string, Function>>}
 */
export async function boot(deliver) {
  python ??= whileTheyCome(start());
  return (await python).connect(deliver, report, { request });
}

/** @returns {Promise<any>} the module py/dropin/host.py */
async function start() {
  try {
    await WebAssembly.compile(EMPTY_MODULE);
  } catch (error) {
    throw problem("refused", undefined, error);
  }
  const archive = fetch(ARCHIVE).then((answer) => answer.arrayBuffer());
  const interpreter = load(INTERPRETER);
  const pyodide = await loadPyodide({
    indexURL: PYODIDE.href,
    createPyodideModule: async (settings) => (await interpreter).default(settings),
  });
  pyodide.FS.writeFile(UNPACKED, new Uint8Array(await archive));
  pyodide.globals.get("__import__")("sys").path.insert(0, UNPACKED);
  const host = await imported(pyodide);
  callLateListeners();
  return host;
}

/** @returns {Promise<any>} the module py/dropin/host.py */
async function imported(pyodide) {
  let module;
  try {
    for (const name of IN_PIECES) {
      module?.destroy();
      await breathe();
      module = pyodide.pyimport(name);
    }
  } catch (error) {
    throw problem("damaged", nameOf(ARCHIVE), error);
  }
  await breathe();
  return module;
}

/** Lets the page do what has come up; unlike a timer, not slower in a tab in the background. */
function breathe() {
  const { port1, port2 } = new MessageChannel();
  return new Promise((resume) => {
    port1.onmessage = () => {
      port1.close();
      resume();
    };
    port2.postMessage(null);
  });
}

/** @param {string} event @param {string} message */
function report(event, message) {
  console.error(`sessions.js, ${event}: ${message}`);
}

/**
 * @param {string} method @param {string} path @param {string | undefined} body
 * @param {number} seconds
 */
async function request(method, path, body, seconds) {
  const answer = await globalThis.fetch(path, {
    method,
    body: body ?? undefined,
    headers: body ? { "Content-Type": "application/json" } : {},
    cache: "no-store",
    signal: AbortSignal.timeout(seconds * 1000),
  });
  const contentType = answer.headers.get("content-type") ?? "";
  return { status: answer.status, contentType, text: await answer.text() };
}
