/**
 * The files of the runtime on their way here: what is missing, broken or stuck is told.
 *
 * Pyodide's loader waits for ever for a file that does not come, so it is given the `fetch` and
 * the `WebAssembly` of this module (tools/dropin.py puts the import in front of it).
 */

/** Seconds without a single byte after which nobody waits any longer. */
const PATIENCE = 30;

/**
 * What the browser compiles while it comes, and keeps compiled for the next visit: only if
 * nobody else reads it.
 */
const COMPILED = "pyodide.asm.wasm";

/** Seconds without a byte of another file after which somebody does. */
const UNCERTAIN = 5;

/** The version that is written behind the name of every file. */
const { search: VERSION } = new URL(import.meta.url);

/** Files under way, by their names. @type {Set<string>} */
const underWay = new Set();
let silence = 0;
/** The address of the compiled file, until it is asked for once more. */
let compiledFrom = "";
/** @type {(problem: Error) => void} */
let giveUp;

/** Rejects as soon as one file is known not to come. @type {Promise<never>} */
const hopeless = new Promise((_, reject) => (giveUp = reject));

/** What those get who wait for such a file: Pyodide has no use for an error. */
const nothing = new Promise(() => {});

/**
 * Waits for work that needs the files, no longer than they keep coming.
 *
 * Seconds are counted instead of compared with a clock: a laptop that slept has not waited.
 * @template T @param {Promise<T>} work @returns {Promise<T>}
 */
export async function whileTheyCome(work) {
  const clock = setInterval(() => {
    silence = underWay.size ? silence + 1 : 0;
    if (silence === UNCERTAIN && underWay.has(COMPILED)) overhear();
    if (silence >= PATIENCE) giveUp(problem("stalled", [...underWay][0]));
  }, 1000);
  try {
    return await Promise.race([work, hopeless]);
  } finally {
    clearInterval(clock);
  }
}

/**
 * An error that sessions.js has a sentence for.
 * @param {string} reason @param {string} [file] @param {unknown} [detail]
 */
export function problem(reason, file, detail) {
  return Object.assign(new Error(`${reason}: ${file ?? ""}`, { cause: detail }), {
    reason,
    file,
    detail,
  });
}

/**
 * Imports a module, as one of the files.
 * @param {URL} address
 */
export async function load(address) {
  const file = nameOf(address);
  underWay.add(file);
  try {
    const module = await import(address.href);
    arrived(file);
    return module;
  } catch (error) {
    giveUp(problem("unreachable", file, error));
    return nothing;
  }
}

/** Like the browser's, but an answer that is no file ends the start. @param {URL | string} address */
export async function fetch(address) {
  const file = nameOf(address);
  underWay.add(file);
  let answer;
  try {
    answer = await globalThis.fetch(versioned(address));
  } catch (error) {
    giveUp(problem("unreachable", file, error));
    return nothing;
  }
  // Some hosts show a page of their own for whatever is not there, and call that a success.
  const type = answer.headers.get("content-type") ?? "";
  if (!answer.ok || type.includes("html")) {
    giveUp(problem("missing", file, answer.ok ? type : answer.status));
    return nothing;
  }
  if (file === COMPILED) compiledFrom = answer.url;
  else listen(answer.clone(), file);
  return answer;
}

/** The browser's, for servers that do not know what a .wasm file is too. */
export const WebAssembly = {
  __proto__: globalThis.WebAssembly,

  /** @param {Promise<Response>} source @param {WebAssembly.Imports} imports */
  async instantiateStreaming(source, imports) {
    const answer = await source;
    const headers = { "Content-Type": "application/wasm" };
    const isNamed = answer.headers.get("content-type") === headers["Content-Type"];
    try {
      const named = isNamed ? answer : new Response(answer.body, { headers });
      const module = await globalThis.WebAssembly.instantiateStreaming(named, imports);
      arrived(COMPILED);
      return module;
    } catch (error) {
      giveUp(problem("damaged", COMPILED, error));
      return nothing;
    }
  },
};

/** Reads a copy of an answer, to know that it goes on. @param {Response} copy @param {string} file */
async function listen(copy, file) {
  const reader = copy.body.getReader();
  try {
    while (!(await reader.read()).done) silence = 0;
    arrived(file);
  } catch (error) {
    giveUp(problem("unreachable", file, error));
  }
}

/** Asks for the compiled file once more, to hear of the same transfer whether it goes on. */
async function overhear() {
  if (!compiledFrom) return; // not even an answer has come
  const address = compiledFrom;
  compiledFrom = "";
  try {
    listen(await globalThis.fetch(address), COMPILED);
  } catch (error) {
    giveUp(problem("unreachable", COMPILED, error));
  }
}

/** @param {URL | string} address */
function versioned(address) {
  const exact = new URL(address, location.href);
  exact.search = VERSION;
  return exact;
}

/** @param {string} file */
function arrived(file) {
  underWay.delete(file);
  silence = 0;
}

/** The last part of an address, as a person would name the file. @param {URL | string} address */
export function nameOf(address) {
  return new URL(address, location.href).pathname.split("/").at(-1);
}
