/**
 * Modules that import sessions.js wait for Python, and DOMContentLoaded does not wait for them:
 * what they register for it would never be called. Here it is, once, as soon as they are through.
 */
const EVENT = "DOMContentLoaded";

/** @typedef {{target: EventTarget, listener: any, capture: boolean, signal?: AbortSignal}} Late */

/** @type {Late[]} */
let waiting = [];
let isScheduled = false;

/** True once every listener that was in time has been called. */
function hasFired() {
  const [visit] = performance.getEntriesByType("navigation");
  return document.readyState === "complete" || visit?.domContentLoadedEventEnd > 0;
}

/** Makes `document` and `window` call those who come too late for DOMContentLoaded. */
export function callLateListeners() {
  for (const target of [document, window]) {
    const { addEventListener, removeEventListener } = target;

    target.addEventListener = function (type, listener, options) {
      if (type === EVENT && isListener(listener) && hasFired()) expect(target, listener, options);
      else addEventListener.apply(this ?? target, arguments);
    };
    target.removeEventListener = function (type, listener, options) {
      if (type === EVENT) waiting = waiting.filter((late) => !isSame(late, target, listener, options));
      removeEventListener.apply(this ?? target, arguments);
    };
  }
}

/** @param {unknown} listener */
function isListener(listener) {
  return typeof listener === "function" || (typeof listener === "object" && listener !== null);
}

/** @param {any} options */
function isCapture(options) {
  return Boolean(typeof options === "object" ? options?.capture : options);
}

/** @param {Late} late @param {EventTarget} target @param {any} listener @param {any} options */
function isSame(late, target, listener, options) {
  return (
    late.target === target && late.listener === listener && late.capture === isCapture(options)
  );
}

/** @param {EventTarget} target @param {any} listener @param {any} options */
function expect(target, listener, options) {
  const signal = options?.signal;
  if (signal?.aborted || waiting.some((late) => isSame(late, target, listener, options))) return;
  // A task of its own: by then the module that registers has run to its end.
  if (!isScheduled) setTimeout(callAll);
  isScheduled = true;
  waiting.push({ target, listener, capture: isCapture(options), signal });
}

function callAll() {
  isScheduled = false;
  const event = new Event(EVENT, { bubbles: true });
  let current = null;
  Object.defineProperties(event, {
    target: { value: document },
    currentTarget: { get: () => current },
  });
  // The event reaches the document first, and bubbles to the window.
  const inOrder = [document, window].flatMap((target) =>
    waiting.filter((late) => late.target === target),
  );
  for (const late of inOrder) {
    if (!waiting.includes(late)) continue; // an earlier one took it off
    waiting = waiting.filter((one) => one !== late);
    if (late.signal?.aborted) continue;
    current = late.target;
    try {
      if (typeof late.listener === "function") late.listener.call(current, event);
      else late.listener.handleEvent(event);
    } catch (error) {
      reportError(error);
    }
  }
}
