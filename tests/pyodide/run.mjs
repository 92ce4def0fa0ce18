/**
 * Runs the project's tests inside Pyodide: node tests/pyodide/run.mjs [pytest's arguments]
 *
 * The page's Python is Pyodide, so what is tested on CPython is tested on it too.
 * The repository is mounted read-only, pytest comes from build/pyodide-site, and
 * the exit code is pytest's.
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = dirname(fileURLToPath(import.meta.url));
const ROOT = resolve(HERE, "../..");
const SITE = resolve(ROOT, "build/pyodide-site");

const READ_ONLY_FILE_SYSTEM = 69; // EROFS in Emscripten's numbering
const ACCESS_MODE = 3; // the bits of open()'s flags that say read or write

/** Makes every mounted folder of the machine read-only: a test must not write there. */
function forbidWriting(FS) {
  const { node_ops, stream_ops } = FS.filesystems.NODEFS;
  const refuse = () => {
    throw new FS.ErrnoError(READ_ONLY_FILE_SYSTEM);
  };
  for (const name of ["mknod", "rename", "rmdir", "setattr", "symlink", "unlink"]) {
    node_ops[name] = refuse;
  }
  const { open } = stream_ops;
  stream_ops.open = (stream) => {
    if ((stream.flags & ACCESS_MODE) !== 0) refuse();
    return open(stream);
  };
}

async function main(args) {
  if (args.includes("--help")) {
    console.log("usage: node tests/pyodide/run.mjs [pytest's arguments]");
    return 0;
  }
  if (!existsSync(SITE)) {
    console.error("build/pyodide-site is missing: `make pyodide` installs it and runs this.");
    return 1;
  }
  const { loadPyodide } = await import("pyodide");
  const pyodide = await loadPyodide({
    env: { HOME: "/home/pyodide", HYPOTHESIS_PROFILE: "pyodide", PYTHONDONTWRITEBYTECODE: "1" },
  });
  pyodide.setStdout({ write: (bytes) => (process.stdout.write(bytes), bytes.length) });
  pyodide.setStderr({ write: (bytes) => (process.stderr.write(bytes), bytes.length) });
  forbidWriting(pyodide.FS);
  pyodide.mountNodeFS("/repository", ROOT);
  pyodide.mountNodeFS("/site", SITE);
  const runner = readFileSync(resolve(HERE, "runner.py"), "utf-8");
  pyodide.runPython(runner, { filename: "/repository/tests/pyodide/runner.py" });
  return pyodide.globals.get("run")(args);
}

process.exitCode = await main(process.argv.slice(2));
