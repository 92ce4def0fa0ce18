/**
 * The event bus that the page's Python and its JavaScript share.
 *
 *   import { eventBus } from "./static/js/bus.js";
 *   eventBus.on("metric:added", (metric) => console.log(metric.estimated_tokens));
 *
 * There is one registry, Python's, so that handlers of both languages run in the order of
 * their registration. What is registered or emitted before Python is up waits here.
 * Handlers get plain objects of their own: changing one harms nobody.
 */

/** @type {null | {on: Function, off: Function, emit: Function}} */
let python = null;
/** @type {Array<[string, Function | null, unknown]>} */
let waiting = [];

export const eventBus = {
  /** @param {string} event @param {(data: any) => void} callback */
  on(event, callback) {
    if (python) python.on(event, callback);
    else waiting.push([event, callback, undefined]);
  },
  /** @param {string} event @param {(data: any) => void} callback */
  off(event, callback) {
    if (python) return python.off(event, callback);
    const at = waiting.findIndex(([name, known]) => name === event && known === callback);
    if (at >= 0) waiting.splice(at, 1);
  },
  /** @param {string} event @param {any} [data] */
  emit(event, data) {
    if (python) python.emit(event, data === undefined ? "null" : JSON.stringify(data));
    else waiting.push([event, null, data]);
  },
};

/**
 * Called by Python once: hands over the registry, and what was waiting, in its order.
 * @param {{on: Function, off: Function, emit: Function}} registry
 */
export function connect(registry) {
  python = registry;
  const queued = waiting;
  waiting = [];
  for (const [event, callback, data] of queued) {
    if (callback) eventBus.on(event, callback);
    else eventBus.emit(event, data);
  }
}

/**
 * Calls a JavaScript handler with a payload that Python wrote as JSON.
 * @param {(data: any) => void} callback @param {string} json
 */
export function deliver(callback, json) {
  callback(JSON.parse(json));
}
