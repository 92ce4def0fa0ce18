/**
 * Makes every run of Node the same run, whenever, wherever and by whom it is started.
 *
 * What Pyodide computes at build time is shipped, so two builds of one tree must compute the same
 * bytes. Pyodide takes the time, random numbers, the zone, the user and his umask from Node, and
 * what Node's version can do: all of that is settled here. None of it is a secret of the page,
 * which draws random numbers of its own.
 */
import crypto from "node:crypto";

/** The time of every build, in milliseconds since 1970: the first that a zip file can express. */
const MOMENT = Date.UTC(1980, 0);

/** To be called before Pyodide is imported, which takes hold of some of these at once. */
export function standStill() {
  stopClocks();
  countInsteadOfDrawing();
  forgetUser();
  forgetVersion();
}

function stopClocks() {
  process.env.TZ = "UTC";
  globalThis.Date = class extends Date {
    constructor(...parts) {
      super(...(parts.length === 0 ? [MOMENT] : parts));
    }

    static now() {
      return MOMENT;
    }
  };
  performance.now = () => 0;
}

/** Random numbers come from a generator that always starts alike. */
function countInsteadOfDrawing() {
  let state = 0;
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0);
  crypto.randomFillSync = (view) => {
    for (let index = 0; index < view.length; index += 1) view[index] = next() >>> 24;
    return view;
  };
  Math.random = () => next() / 2 ** 32;
}

function forgetUser() {
  process.getuid = () => 0;
  process.umask = () => 0o022;
}

/**
 * Hides what only some versions of Node have, and Pyodide would use: Python's objects come to lie
 * elsewhere then. It calls C through WebAssembly's garbage collection where it finds that, but on
 * an iPad, whose description this is.
 */
function forgetVersion() {
  const value = { userAgent: "Node.js", platform: "MacIntel", maxTouchPoints: 2 };
  Object.defineProperty(globalThis, "navigator", { value });
  delete WebAssembly.Suspending;
  const iterator = Object.getPrototypeOf(Object.getPrototypeOf([].values()));
  delete iterator[Symbol.dispose];
}
