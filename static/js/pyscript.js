/**
 * Starts PyScript under `script-src 'self' 'wasm-unsafe-eval'`.
 *
 * PyScript prepares a hook for its workers by evaluating a string, which that
 * policy forbids. The dashboard has no PyScript worker, so the hook goes.
 */
import "./micropython-off.js";
import { hooks } from "../vendor/pyscript/core.js";

hooks.worker.onBeforeRunAsync.clear();
