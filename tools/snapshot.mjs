#!/usr/bin/env node
/**
 * Takes a snapshot of Pyodide's memory with the whole application imported:
 *
 *   node tools/snapshot.mjs ORDER.json
 *
 * The page restores it instead of starting Python and importing everything anew
 * (static/js/interpreter.js). ORDER.json, written by tools/boot.py, says what to do:
 *
 *   pyodide   folder of the pyodide package
 *   sources   Python files to lay out, as texts by their path below the home folder
 *   modules   names of the modules to import, in this order
 *   config    what PyScript's Python library finds as its config
 *   scripts   names under which PyScript registers the page's own JavaScript modules
 *   stamp     facts to write into the snapshot, for the page to compare with its own
 *   lock      Pyodide's list of packages, which the page gives it
 *   out       where to write it
 *
 * A snapshot holds memory and nothing else. What Python holds of JavaScript survives when it
 * can be found again: by a path from the global object (`js.Object.fromEntries`), or by a path
 * inside one of PyScript's own modules, which do not exist yet when the page restores.
 *
 * Only those pages of memory are kept that differ from a module that was just created: the page
 * creates one in any case, and copies the rest over it. The same order makes the same bytes, on any
 * machine: a build that changes nothing is no new version.
 *
 * Layout of the file, numbers little-endian: u32 magic, u32 length of the JSON that follows,
 * the JSON, zeros up to a multiple of 4096, the kept pages in their order. The JSON has `stamp`,
 * `lock`, `heap` (bytes of memory in all), `library` (where Python looks for its standard library),
 * `runs` (pairs: number of the first page, how many) and `state` (base64 of what Pyodide keeps
 * beside the memory).
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { standStill } from "./standstill.mjs";

const MAGIC = 0x504d494b; // "KIMP"
const PAGE = 4096;
const HOME = "/home/pyodide";

/** Nothing of the machine that builds may reach the page: neither its language nor its paths. */
const ENVIRONMENT = { HOME, LANG: "C.UTF-8", PYTHONHASHSEED: "0" };
const PROGRAM = "./this.program";

/** Sizes in bytes by which free memory is found, the largest first. */
const BLOCKS = [1 << 20, 1 << 16, 1 << 12, 1 << 8, 1 << 5];

/** Formatting one error imports what formatting errors takes. */
const IMPORT_ALL = `
import importlib, traceback
for name in modules.split():
    importlib.import_module(name)
try:
    raise ExceptionGroup("warm-up", [ValueError("warm-up")])
except ExceptionGroup as error:
    traceback.format_exception(error)
del importlib, modules, name, traceback
`;

const CLEAN_UP = `
import gc, linecache
linecache.clearcache()
gc.collect()
gc.collect()
del gc, linecache
`;

/** What PyScript registers before it runs Python, as far as importing its library needs it. */
function pyscriptModules({ config, scripts }) {
  const js_modules = Object.fromEntries(scripts.map((name) => [name, {}]));
  const polyscript = {
    config,
    js_modules,
    workers: {},
    lazy_py_modules() {},
    storage() {},
  };
  const _pyscript = { PyWorker() {}, fs: {}, interpreter: {}, js_import() {} };
  return { polyscript, _pyscript };
}

/** Maps everything in an object of objects to its path. */
function pathsIn(value, path = [], found = new Map()) {
  for (const [name, item] of Object.entries(value)) {
    if (!["object", "function"].includes(typeof item) || found.has(item)) continue;
    found.set(item, [...path, name]);
    pathsIn(item, [...path, name], found);
  }
  return found;
}

/** Takes Pyodide's own, whole snapshot. @returns {Promise<Uint8Array>} */
async function takeWhole(loadPyodide, order) {
  const python = await loadPyodide({
    _makeSnapshot: true,
    _sysExecutable: PROGRAM,
    env: { ...ENVIRONMENT },
  });
  for (const [path, text] of Object.entries(order.sources)) {
    const file = `${HOME}/${path}`;
    python.FS.mkdirTree(file.slice(0, file.lastIndexOf("/")));
    python.FS.writeFile(file, text);
  }
  const modules = pyscriptModules(order);
  for (const [name, module] of Object.entries(modules)) python.registerJsModule(name, module);
  globalThis.document = {}; // PyScript's library takes hold of it, by its path
  python.globals.set("modules", order.modules.join(" "));
  python.runPython(IMPORT_ALL);
  python.runPython(CLEAN_UP);
  clearFreeMemory(python._module);
  const paths = pathsIn(modules);
  return python.makeMemorySnapshot({
    serializer(held) {
      const path = paths.get(held);
      if (path) return { standIn: path, callable: typeof held === "function" };
      throw new Error(`a module holds a JavaScript ${typeof held} that cannot be found again`);
    },
  });
}

/** Fills with zeros what the allocator has free, so that it need not be kept. */
function clearFreeMemory(module) {
  const end = module._sbrk(0);
  const taken = [];
  for (const size of BLOCKS) {
    for (;;) {
      const block = module._malloc(size);
      if (block === 0) break;
      taken.push(block);
      if (block + size > end) break; // the allocator had to ask for more: all of this size is taken
      module.HEAPU8.fill(0, block, block + size);
    }
  }
  for (const block of taken) module._free(block);
}

/** Returns the memory of a module that was created the way the page creates it. */
async function freshMemory(loadPyodide, createPyodideModule, state, heap) {
  let memory;
  const enough = new Error("enough");
  try {
    await loadPyodide({
      _loadSnapshot: state,
      _sysExecutable: PROGRAM,
      env: { ...ENVIRONMENT },
      async createPyodideModule(settings) {
        settings.INITIAL_MEMORY = heap;
        memory = (await createPyodideModule(settings)).HEAPU8.slice();
        throw enough;
      },
    });
  } catch (error) {
    if (error !== enough) throw error;
  }
  return memory;
}

/** Finds the pages that differ, as pairs: number of the first page, how many. */
function differingRuns(memory, fresh) {
  const runs = [];
  for (let page = 0; page * PAGE < memory.length; page += 1) {
    const bytes = [memory, fresh].map((all) => Buffer.from(all.buffer, all.byteOffset + page * PAGE, PAGE));
    if (bytes[0].equals(bytes[1])) continue;
    const last = runs.at(-1);
    if (last && last[0] + last[1] === page) last[1] += 1;
    else runs.push([page, 1]);
  }
  return runs;
}

async function main(orderFile) {
  standStill();
  const order = JSON.parse(readFileSync(orderFile, "utf-8"));
  const load = (name) => import(pathToFileURL(join(order.pyodide, name)).href);
  const { loadPyodide } = await load("pyodide.mjs");
  const { default: createPyodideModule } = await load("pyodide.asm.mjs");

  const whole = await takeWhole(loadPyodide, order);
  const start = new Uint32Array(whole.buffer, whole.byteOffset, 2)[1];
  const state = whole.slice(0, start);
  const memory = whole.slice(start);
  const fresh = await freshMemory(loadPyodide, createPyodideModule, state, memory.length);
  const runs = differingRuns(memory, fresh);

  const { stamp, lock } = order;
  const heap = memory.length;
  const [major, minor] = lock.info.python.split(".");
  const library = `/lib/python${major}${minor}.zip`;
  const head = { stamp, lock, heap, library, runs, state: Buffer.from(state).toString("base64") };
  const json = Buffer.from(JSON.stringify(head));
  const opening = Buffer.alloc(Math.ceil((8 + json.length) / PAGE) * PAGE);
  opening.writeUInt32LE(MAGIC, 0);
  opening.writeUInt32LE(json.length, 4);
  json.copy(opening, 8);
  const pages = runs.map(([page, count]) => memory.subarray(page * PAGE, (page + count) * PAGE));
  writeFileSync(order.out, Buffer.concat([opening, ...pages]));
}

await main(process.argv[2]);
