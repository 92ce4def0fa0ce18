/**
 * Modules that import sessions.js wait for Python, and the page's events do not wait for them:
 * what they register for DOMContentLoaded or load would never be called. Here it is, once, as
 * soon as they are through.
 */
const READY = "DOMContentLoaded";
const LOAD = "load";

/** Who is told of which event, in the order of the browser. @type {[string, EventTarget][]} */
const ORDER = [
  [READY, document],
  [READY, window],
  [LOAD, window],
];

/**
 * @typedef {object} Late
 * @property {string} type @property {EventTarget} target @property {any} listener
 * @property {boolean} capture @property {AbortSignal} [signal]
 */

/** @type {Late[]} */
let waiting = [];
let isScheduled = false;

/** Makes `document` and `window` call those who come too late. */
export function callLateListeners() {
  for (const target of [document, window]) {
    const { addEventListener, removeEventListener } = target;

    target.addEventListener = function (type, listener, options) {
      const late = describe(type, target, listener, options);
      if ((this ?? window) === target && isTooLate(late)) expect(late);
      else addEventListener.apply(this ?? window, arguments);
    };
    target.removeEventListener = function (type, listener, options) {
      const late = describe(type, target, listener, options);
      waiting = waiting.filter((one) => !isSame(one, late));
      removeEventListener.apply(this ?? window, arguments);
    };
  }
  const { get, set } = Object.getOwnPropertyDescriptor(window, "onload");
  Object.defineProperty(window, "onload", {
    configurable: true,
    enumerable: true,
    get,
    set(handler) {
      set.call(window, handler);
      const late = describe(LOAD, window, callOnload, false);
      if (isTooLate(late)) expect(late);
    },
  });
}

/** Calls what `window.onload` is by then. @this {Window} @param {Event} event */
function callOnload(event) {
  this.onload?.call(this, event);
}

/** @returns {Late} */
function describe(type, target, listener, options) {
  const isObject = typeof options === "object" && options !== null;
  const capture = Boolean(isObject ? options.capture : options);
  return { type, target, listener, capture, signal: isObject ? options.signal : undefined };
}

/** @param {Late} one @param {Late} other */
function isSame(one, other) {
  return ["type", "target", "listener", "capture"].every((name) => one[name] === other[name]);
}

/** Tells whether an event was over before this listener came. @param {Late} late */
function isTooLate({ type, target, listener }) {
  const isListener = typeof listener === "function" || typeof listener === "object";
  if (!isListener || listener === null) return false;
  if (!ORDER.some(([event, who]) => event === type && who === target)) return false;
  const [visit] = performance.getEntriesByType("navigation");
  if (type === LOAD) return visit?.loadEventEnd > 0;
  return document.readyState === "complete" || visit?.domContentLoadedEventEnd > 0;
}

/** @param {Late} late */
function expect(late) {
  if (late.signal?.aborted || waiting.some((one) => isSame(one, late))) return;
  // A task of its own: by then the module that registers has run to its end.
  if (!isScheduled) setTimeout(callAll);
  isScheduled = true;
  waiting.push(late);
}

function callAll() {
  isScheduled = false;
  for (const [type, target] of ORDER) {
    const event = new Event(type, { bubbles: type === READY });
    // Both events are about the document, also where the window is told of them.
    Object.defineProperties(event, {
      target: { value: document },
      currentTarget: { value: target },
    });
    for (const late of waiting.filter((one) => one.type === type && one.target === target)) {
      if (!waiting.includes(late)) continue; // an earlier one took it off
      waiting = waiting.filter((one) => one !== late);
      if (!late.signal?.aborted) call(late, event);
    }
  }
}

/** @param {Late} late @param {Event} event */
function call({ listener, target }, event) {
  try {
    if (typeof listener === "function") listener.call(target, event);
    else listener.handleEvent(event);
  } catch (error) {
    reportError(error);
  }
}
