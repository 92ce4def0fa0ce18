/**
 * Pyodide for PyScript, started from a snapshot of its memory.
 *
 * The snapshot (tools/snapshot.mjs) holds Python with PyScript's library and the whole dashboard
 * imported. Restoring it takes options that Pyodide keeps private: its exact version is pinned,
 * the snapshot's stamp has to agree with the page's, and whatever goes wrong ends in the plain
 * start, which is slower and asks for nothing special. One line in the console says why.
 *
 * What a snapshot does not hold follows when the page is up: the sources, which tracebacks quote
 * and the demo is imported from, and the standard library, for what nobody has imported yet. A host
 * that is away by then is asked again until it has answered.
 */
import { loadPyodide as startPyodide, version } from "../vendor/pyodide/pyodide.js";

export { version };

const MAGIC = 0x504d494b;
const PAGE = 4096;
const HOME = "/home/pyodide";
const PYODIDE = new URL("../vendor/pyodide/", import.meta.url).href;

/** A key of localStorage: since when which snapshot is being restored. */
const ATTEMPT = "kimi:boot-attempt";
/** Milliseconds after which a restore that has not come to its end never will. */
const HUNG = 8000;
/** Milliseconds for which such an attempt is not repeated. */
const DISTRUST = 86_400_000;

/** Milliseconds after the page is up in which it has better things to do. */
const SETTLE = 300;
/** Milliseconds for which it does something else at a time. */
const SLICE = 10;
/** Milliseconds after which a host that did not answer is asked again: at first, and at most. */
const FIRST_PAUSE = 1000;
const LONGEST_PAUSE = 60_000;

/** Found in the code by which PyScript writes and imports its library, which is there already. */
const WRITES_LIBRARY = /^import pyscript as _pyscript$/m;

/** Firefox can since version 113. */
const CAN_UNPACK = "DecompressionStream" in window;

/** What load.js has begun, in the page's first script. */
const boot = window.kimiBoot;

/** Where Python's output goes. PyScript says so when it is there, which may be later. */
const streams = { stdout: (text) => console.log(text), stderr: (text) => console.error(text) };

/** PyScript's own JavaScript modules, by name, once it has registered them. */
const registered = {};

/** Python from its snapshot, or null. */
const restored = restore().catch((error) => {
  console.info(`Python starts without its snapshot: ${error.message}`);
  return null;
});

addEventListener("kimi:started", () => setTimeout(settle, SETTLE), { once: true });

/** @param {object} options PyScript's */
export async function loadPyodide(options) {
  Object.assign(streams, { stdout: options.stdout, stderr: options.stderr });
  return (await restored) ?? startPlainly(options);
}

/** Fetches what is still missing, and keeps the large files for the next visit. Never rejects. */
async function settle() {
  await boot.complete();
  await boot.keep();
  boot.mark("settled");
}

/**
 * Does something that needs the host until it works; never rejects. The first failure is told in
 * the console, and to the page, where somebody may be waiting for it (boot.js).
 * @param {() => Promise<void>} work
 */
async function untilItWorks(work) {
  for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    try {
      return await work();
    } catch (error) {
      if (pause === FIRST_PAUSE) {
        console.info(`Some files of the page did not come and are asked for again: ${error.message}`);
      }
      dispatchEvent(new Event("kimi:host-away"));
      await rest(pause);
    }
  }
}

/** Waits for some time, or until the network is back. @param {number} pause milliseconds */
function rest(pause) {
  return new Promise((resume) => {
    const end = () => {
      clearTimeout(timer);
      removeEventListener("online", end);
      resume();
    };
    const timer = setTimeout(end, pause);
    addEventListener("online", end);
  });
}

// -- the plain way ------------------------------------------------------------------------

async function startPlainly(options) {
  const [python, sources] = await Promise.all([
    startPyodide({ ...options, indexURL: PYODIDE }),
    CAN_UNPACK ? boot.sources() : boot.packedSources(),
  ]);
  await layOut(python, CAN_UNPACK ? sources : unpackedBy(python, sources));
  boot.complete = () => Promise.resolve();
  return python;
}

/** @param {ArrayBuffer} packed the Python files, in a browser that cannot unpack them itself */
function unpackedBy(python, packed) {
  const unpack = python.runPython(
    "lambda packed: __import__('zlib').decompress(packed.to_bytes(), 31).decode()",
  );
  const sources = JSON.parse(unpack(packed));
  unpack.destroy();
  return sources;
}

/** @param {Record<string, string>} sources Python files: texts by their path */
async function layOut(python, sources) {
  let end = performance.now() + SLICE;
  for (const [path, text] of Object.entries(sources)) {
    const file = `${HOME}/${path}`;
    python.FS.mkdirTree(file.slice(0, file.lastIndexOf("/")));
    python.FS.writeFile(file, text);
    if (performance.now() < end) continue;
    await new Promise((resume) => setTimeout(resume));
    end = performance.now() + SLICE;
  }
  // Not importlib.invalidate_caches(): for once, it would import a tenth of a second of modules.
  python.runPython("import sys; sys.path_importer_cache.clear()");
}

// -- from the snapshot ----------------------------------------------------------------------

async function restore() {
  refuseAfterHanging();
  const [module, snapshot, { default: createPyodideModule }] = await Promise.all([
    boot.wasm,
    boot.snapshot.then(read),
    import("../vendor/pyodide/pyodide.asm.js"),
  ]);
  noteAttempt();
  const python = await soon(start(module, snapshot, createPyodideModule));
  boot.mark("python");
  python.registerJsModule = remembering(python.registerJsModule);
  python.runPythonAsync = unlessWritingLibrary(python.runPythonAsync);
  python.runPython = unlessWritingLibrary(python.runPython);
  boot.complete = once(() => untilItWorks(() => complete(python, snapshot)));
  return python;
}

/**
 * Checks a snapshot and takes it apart.
 * @param {ArrayBuffer} buffer
 */
async function read(buffer) {
  const digest = await crypto.subtle?.digest("SHA-256", buffer); // missing on plain http
  if (digest && hex(digest) !== boot.stamp.snapshot) {
    boot.forget();
    throw new Error("its bytes are damaged.");
  }
  boot.mark("snapshot");
  const [magic, length] = new Uint32Array(buffer, 0, 2);
  if (magic !== MAGIC) throw new Error("it is no snapshot.");
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  const { stamp } = head;
  if (stamp.pyodide !== version || stamp.wasm !== boot.stamp.wasm || stamp.sources !== boot.stamp.sources) {
    throw new Error("it belongs to another version of the page.");
  }
  const state = Uint8Array.from(atob(head.state), (character) => character.charCodeAt(0));
  return { ...head, state, pages: new Uint8Array(buffer, Math.ceil((8 + length) / PAGE) * PAGE) };
}

/** @param {ArrayBuffer} bytes */
function hex(bytes) {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Starts Pyodide with a module that is compiled and a memory that is at hand.
 *
 * Pyodide asks for its WebAssembly and its library by `fetch`, before anything else but promises
 * that are settled already has a turn: until then `fetch` answers with stand-ins.
 */
async function start(module, snapshot, createPyodideModule) {
  const wasm = Promise.resolve();
  const { fetch } = globalThis;
  const giveBack = () => (globalThis.fetch = fetch);
  globalThis.fetch = (url) => (String(url).endsWith(".wasm") ? wasm : Promise.resolve(new Response()));
  try {
    return await startPyodide({
      stdout: (text) => streams.stdout(text),
      stderr: (text) => streams.stderr(text),
      indexURL: PYODIDE,
      lockFileContents: snapshot.lock,
      _loadSnapshot: snapshot.state,
      _snapshotDeserializer: standIn,
      async createPyodideModule(settings) {
        giveBack();
        settings.INITIAL_MEMORY = snapshot.heap;
        const created = await instantiating(wasm, module, () => createPyodideModule(settings));
        boot.mark("module");
        copyPages(snapshot, created.HEAPU8);
        boot.mark("memory");
        return created;
      },
    });
  } finally {
    giveBack();
  }
}

/** Lets `create` instantiate `module` where it thinks to be streaming `source`. */
function instantiating(source, module, create) {
  const { instantiateStreaming } = WebAssembly;
  return new Promise((resolve, reject) => {
    WebAssembly.instantiateStreaming = async (asked, imports) => {
      if (asked !== source) return instantiateStreaming(asked, imports);
      try {
        return { module, instance: await WebAssembly.instantiate(module, imports) };
      } catch (error) {
        reject(error); // Pyodide would wait for ever
        throw error;
      }
    };
    create().then(resolve, reject);
  }).finally(() => (WebAssembly.instantiateStreaming = instantiateStreaming));
}

function copyPages({ runs, pages }, memory) {
  let from = 0;
  for (const [page, count] of runs) {
    memory.set(pages.subarray(from, (from += count * PAGE)), page * PAGE);
  }
}

/**
 * What Python holds of PyScript's modules, which do not exist yet: looked up when it is used.
 * @param {{standIn: string[], callable: boolean}} held
 */
function standIn({ standIn: path, callable }) {
  const real = () => path.reduce((value, name) => value[name], registered);
  return new Proxy(callable ? function () {} : {}, {
    get: (_, name) => real()[name],
    has: (_, name) => name in real(),
    apply: (_, self, args) => Reflect.apply(real(), self, args),
  });
}

function remembering(registerJsModule) {
  return function (name, module) {
    registered[name] = module;
    registerJsModule.call(this, name, module);
  };
}

function unlessWritingLibrary(run) {
  return function (code, ...options) {
    return WRITES_LIBRARY.test(code) ? undefined : run.call(this, code, ...options);
  };
}

/** Brings what the snapshot does not hold; to be called when there is time. */
async function complete(python, snapshot) {
  const [sources, library] = await Promise.all([
    boot.sources(),
    boot.fetched(`${PYODIDE}python_stdlib.zip`).then((answer) => answer.arrayBuffer()),
  ]);
  python.FS.writeFile(snapshot.library, new Uint8Array(library));
  await layOut(python, sources);
}

// -- attempts that do not end -----------------------------------------------------------------

/** Throws when the last attempt with this snapshot never came to its end. */
function refuseAfterHanging() {
  const [since, snapshot] = (stored(ATTEMPT) ?? "").split(" ");
  const age = Date.now() - Number(since);
  if (snapshot === boot.stamp.snapshot && age > HUNG && age < DISTRUST) {
    throw new Error("the last attempt hung.");
  }
}

function noteAttempt() {
  store(ATTEMPT, `${Date.now()} ${boot.stamp.snapshot}`);
  const forget = () => store(ATTEMPT, null);
  for (const end of ["pagehide", "kimi:started"]) addEventListener(end, forget, { once: true });
}

/** @template T @param {Promise<T>} work @returns {Promise<T>} */
function soon(work) {
  const timeout = new Promise((_, reject) => {
    setTimeout(() => reject(new Error("it took too long.")), HUNG);
  });
  return Promise.race([work, timeout]);
}

function stored(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // blocked: nothing is remembered
  }
}

function store(key, text) {
  try {
    if (text === null) localStorage.removeItem(key);
    else localStorage.setItem(key, text);
  } catch {
    // Blocked or full: an attempt that hangs will be tried again.
  }
}

function once(work) {
  let begun;
  return () => (begun ??= work());
}
