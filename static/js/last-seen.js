/*
 * The first screen, before Python: the page's fixed texts in its language, and the figures that
 * were on it last, marked as such. Classic, at the end of <body>: it runs before the first paint.
 *
 * Only what was on the screen is kept, as text, and only when the page is left or hidden.
 */
(function () {
  "use strict";

  var root = document.documentElement;
  var key = "kimi:" + root.dataset.user + ":last-seen";
  var words = (window.kimiWords || {})[root.lang] || {};

  var TRANSLATED = {
    "data-i18n": "",
    "data-i18n-aria-label": "aria-label",
    "data-i18n-placeholder": "placeholder",
    "data-i18n-title": "title",
  };

  /** Elements whose text is kept, by id. */
  var TEXTS = [
    "session-name", "session-provider", "source-badge", "percentage-text", "current-tokens",
    "max-context-display", "remaining-tokens", "forecast-text", "total-requests", "max-tokens",
    "avg-tokens", "prompt-tokens", "completion-tokens", "accuracy-text", "last-estimated",
    "last-real", "accuracy-diff", "compaction-count", "compaction-saved", "compaction-last",
    "memory-ratio", "memory-tokens", "memory-chat-tokens",
  ];
  /** Attributes and custom properties that give the gauge its length and its colours. */
  var ATTRIBUTES = [["context", "data-level"], ["accuracy-text", "data-level"], ["source-badge", "data-family"]];
  var STYLES = [["gauge", "--value"], ["gauge", "--reserved"], ["gauge", "--threshold"], ["memory-bar", "--ratio"]];

  function byId(id) {
    return document.getElementById(id);
  }

  function translate() {
    Object.keys(TRANSLATED).forEach(function (name) {
      document.querySelectorAll("[" + name + "]").forEach(function (element) {
        var text = words[element.getAttribute(name)];
        if (text === undefined) return;
        if (TRANSLATED[name]) element.setAttribute(TRANSLATED[name], text);
        else element.textContent = text;
      });
    });
  }

  /** What figures are worth only here: for this language, and what the address asks for. */
  function circumstances() {
    return root.lang + " " + location.search;
  }

  function save() {
    // Nothing new yet, or nothing real.
    if (!byId("boot").hidden || !byId("demo-banner").hidden || root.dataset.replay) return;
    var seen = {
      of: circumstances(),
      texts: TEXTS.map(function (id) {
        return byId(id).textContent;
      }),
      attributes: ATTRIBUTES.map(function (place) {
        return byId(place[0]).getAttribute(place[1]);
      }),
      styles: STYLES.map(function (place) {
        return byId(place[0]).style.getPropertyValue(place[1]);
      }),
    };
    try {
      localStorage.setItem(key, JSON.stringify(seen));
    } catch (_fullOrBlocked) {
      // The next first screen has dashes in it, as the very first had.
    }
  }

  function show() {
    var seen = JSON.parse(localStorage.getItem(key));
    if (!seen || seen.of !== circumstances()) return;
    TEXTS.forEach(function (id, at) {
      if (typeof seen.texts[at] === "string") byId(id).textContent = seen.texts[at];
    });
    ATTRIBUTES.forEach(function (place, at) {
      if (seen.attributes[at] !== null) byId(place[0]).setAttribute(place[1], seen.attributes[at]);
    });
    STYLES.forEach(function (place, at) {
      byId(place[0]).style.setProperty(place[1], seen.styles[at]);
    });
    byId("ws-status-text").textContent = words["boot.last_seen"];
    root.setAttribute("data-seen", "last");
  }

  if (root.lang !== "en") translate();
  try {
    show();
  } catch (_blockedOrDamaged) {
    // The dashes of the HTML stand.
  }
  addEventListener("pagehide", save);
  document.addEventListener("visibilitychange", function () {
    if (document.hidden) save();
  });
})();
