/**
 * Starts Python and returns the functions of py/dropin/surface.py.
 *
 * Every address is relative to this file, so the folder works wherever it is copied to.
 */
import { loadPyodide } from "./pyodide/pyodide.mjs";
import { callLateListeners } from "./late-listeners.js";

const ARCHIVE = new URL("./sessions.zip", import.meta.url);
const PYODIDE = new URL("./pyodide/", import.meta.url);
/** Pyodide waits for these for ever when they are not there. */
const NEEDED = ["pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip"];
const EMPTY_MODULE = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
const UNPACKED = "/home/pyodide/sessions.zip";

/**
 * @param {(event: string, json?: string) => void} deliver takes what Python announces
 * @returns {Promise<Record<string, Function>>}
 */
export async function boot(deliver) {
  await WebAssembly.compile(EMPTY_MODULE); // says so when the page's policy forbids it
  const [pyodide, archive] = await Promise.all([
    loadPyodide({ indexURL: PYODIDE.href }),
    read(ARCHIVE),
    ...NEEDED.map((name) => find(new URL(name, PYODIDE), { method: "HEAD" })),
  ]);
  // Python's own start has just held the page up: let it breathe before the next piece.
  await new Promise((resume) => setTimeout(resume));
  pyodide.FS.writeFile(UNPACKED, archive);
  pyodide.globals.get("__import__")("sys").path.insert(0, UNPACKED);
  const host = pyodide.pyimport("dropin.host");
  const functions = host.connect(deliver, report, request);
  host.destroy();
  callLateListeners();
  return functions;
}

/** @param {URL} address */
async function read(address) {
  const answer = await find(address);
  return new Uint8Array(await answer.arrayBuffer());
}

/** @param {URL} address @param {RequestInit} [options] */
async function find(address, options) {
  const answer = await fetch(address, options);
  if (!answer.ok) throw new Error(`${address.pathname} is missing (${answer.status}).`);
  return answer;
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
  const answer = await fetch(path, {
    method,
    body: body ?? undefined,
    headers: body ? { "Content-Type": "application/json" } : {},
    cache: "no-store",
    signal: AbortSignal.timeout(seconds * 1000),
  });
  const contentType = answer.headers.get("content-type") ?? "";
  return { status: answer.status, contentType, text: await answer.text() };
}
