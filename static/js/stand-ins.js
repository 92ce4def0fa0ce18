/*
 * Stand-ins for what this browser lacks, or refuses to this page, before anything asks for it.
 * Classic and synchronous, the very first script of the page.
 *
 * A browser that keeps no site data throws wherever such data is touched, and PyScript touches
 * some as soon as it is loaded. What a person loses by that is noted in `kimiLacks`, and said by
 * Python when it is up (py/browser/obstacles.py):
 *
 *   storage   nothing is remembered
 *   tabs      the tabs cannot talk to each other
 *   popover   this browser is too old for the page's menus
 */
(function () {
  "use strict";

  /** @type {string[]} */
  var lacks = (window.kimiLacks = []);

  /** @template T @param {() => T} attempt @returns {T | undefined} undefined when it throws */
  function attempted(attempt) {
    try {
      return attempt();
    } catch (_refused) {
      return undefined;
    }
  }

  function put(object, name, value) {
    Object.defineProperty(object, name, { value: value, configurable: true, writable: true });
  }

  /** For scripts that look whether there is such a thing: reading it shall not throw. */
  function hideIfRefused(object, name) {
    if (attempted(function () { return [object[name]]; }) === undefined) put(object, name, undefined);
  }

  // -- site data --------------------------------------------------------------------------------

  function isReadable(area) {
    return attempted(function () { return [window[area].getItem("kimi:users")]; }) !== undefined;
  }

  if (!isReadable("localStorage") || !isReadable("sessionStorage")) lacks.push("storage");
  hideIfRefused(window, "caches");
  hideIfRefused(navigator, "serviceWorker");
  hideIfRefused(navigator, "locks");

  // -- PyScript's database ----------------------------------------------------------------------

  /** PyScript waits for its databases before it starts Python, and keeps nothing in them here. */
  var PYSCRIPTS = /^IDBMap\//;

  /** A database of one store of keys and values, as much of it as PyScript uses. */
  function inMemory() {
    var entries = new Map();
    function answering(work) {
      return function (first, second) {
        var result = work(first, second);
        return answer(result);
      };
    }
    var store = {
      count: answering(function () { return entries.size; }),
      clear: answering(function () { entries.clear(); }),
      delete: answering(function (key) { entries.delete(key); }),
      get: answering(function (key) { return entries.get(key); }),
      getKey: answering(function (key) { return entries.has(key) ? key : undefined; }),
      getAllKeys: answering(function () { return Array.from(entries.keys()); }),
      put: answering(function (value, key) { entries.set(key, value); }),
    };
    function objectStore() { return store; }
    return {
      close: function () {},
      transaction: function () { return { objectStore: objectStore }; },
    };
  }

  /** A request that succeeds as soon as whoever made it can hear of it. */
  function answer(result) {
    var request = { result: result };
    Promise.resolve().then(function () { request.onsuccess({ target: request }); });
    return request;
  }

  var databases = attempted(function () { return window.indexedDB; });
  var open = databases && databases.open;
  var factory = databases || {};
  put(factory, "open", function (name, version) {
    if (PYSCRIPTS.test(name)) return answer(inMemory());
    if (!open) throw new DOMException("This browser has no database for this page.", "SecurityError");
    return version === undefined ? open.call(databases, name) : open.call(databases, name, version);
  });
  if (!databases) put(window, "indexedDB", factory);

  // -- other tabs -------------------------------------------------------------------------------

  /** A channel on which nobody else is. */
  function Silence() {
    return Object.assign(new EventTarget(), { postMessage: function () {}, close: function () {} });
  }

  if (!attempted(function () { new BroadcastChannel("kimi").close(); return true; })) {
    put(window, "BroadcastChannel", Silence);
    lacks.push("tabs");
  } else if (window.isSecureContext && !navigator.locks) lacks.push("tabs");

  // -- what older browsers lack -----------------------------------------------------------------

  if (!("popover" in HTMLElement.prototype)) lacks.push("popover");

  if (!Promise.withResolvers) {
    put(Promise, "withResolvers", function () {
      var parts = {};
      parts.promise = new Promise(function (resolve, reject) {
        parts.resolve = resolve;
        parts.reject = reject;
      });
      return parts;
    });
  }

  function bytesOf(source) {
    return Promise.resolve(source).then(function (answer) { return answer.arrayBuffer(); });
  }

  if (window.WebAssembly && !WebAssembly.compileStreaming) {
    put(WebAssembly, "compileStreaming", function (source) {
      return bytesOf(source).then(function (bytes) { return WebAssembly.compile(bytes); });
    });
  }
  if (window.WebAssembly && !WebAssembly.instantiateStreaming) {
    put(WebAssembly, "instantiateStreaming", function (source, imports) {
      return bytesOf(source).then(function (bytes) { return WebAssembly.instantiate(bytes, imports); });
    });
  }

  // -- a language that is none ------------------------------------------------------------------

  /** A browser started with LANG=C says so, and Intl throws for it. */
  function isLanguage(tag) {
    return Boolean(tag && attempted(function () { return Intl.getCanonicalLocales(tag); }));
  }

  if (!isLanguage(navigator.language)) {
    put(navigator, "language", "en");
    put(navigator, "languages", ["en"]);
  }

  // -- a frame of somebody else's page ----------------------------------------------------------

  /** Whether a page of another origin is around this one: its owner could have a person click. */
  function isFramedByAStranger() {
    for (var frame = window; frame !== frame.parent; ) {
      frame = frame.parent;
      var seen = frame;
      if (!attempted(function () { return seen.document; })) return true;
    }
    return false;
  }

  window.kimiFramed = isFramedByAStranger();
})();
