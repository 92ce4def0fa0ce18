/**
 * Starts PyScript under `script-src 'self' 'wasm-unsafe-eval'`.
 *
 * PyScript prepares a hook for its workers by evaluating a string, which that
 * policy forbids. The dashboard has no PyScript worker, so the hook goes.
 *
 * Without WebAssembly, of which boot.js tells, it could only fail.
 */
import "./micropython-off.js";

if (window.WebAssembly) {
  const { hooks } = await import("../vendor/pyscript/core.js");
  hooks.worker.onBeforeRunAsync.clear();
}
