#!/usr/bin/env node
/**
 * Compile a zip of Python modules with the Python that will run them: Pyodide's.
 *
 * Usage: bytecode.mjs <Pyodide's folder> <zip of sources> <zip to write>
 *
 * Importing compiled modules takes a third of the time, which the page would stand still. The
 * same sources make the same bytes.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { standStill } from "./standstill.mjs";

const COMPILE = `
import zipfile
from importlib._bootstrap_external import _code_to_hash_pyc
from importlib.util import source_hash

with zipfile.ZipFile("/sources.zip") as sources, zipfile.ZipFile("/compiled.zip", "w") as out:
    for entry in sources.infolist():
        code = sources.read(entry)
        compiled = compile(code, entry.filename, "exec", dont_inherit=True, optimize=0)
        entry.filename += "c"
        out.writestr(entry, _code_to_hash_pyc(compiled, source_hash(code), checked=False))
`;

standStill();
const [folder, sources, target] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(resolve(folder, "pyodide.mjs")));
const pyodide = await loadPyodide({
  indexURL: resolve(folder),
  packageBaseUrl: resolve(folder),
  env: { HOME: "/", PYTHONHASHSEED: "0" },
});
pyodide.FS.writeFile("/sources.zip", readFileSync(sources));
pyodide.runPython(COMPILE);
writeFileSync(target, pyodide.FS.readFile("/compiled.zip"));
