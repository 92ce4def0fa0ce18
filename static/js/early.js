/*
 * The first script of the page: classic, synchronous, before any stylesheet.
 *
 * 1. Finds out whose page this is, as py/sessions/users.py will, and puts the user's theme and
 *    language on <html> before the first paint, so a reload never flashes.
 * 2. Narrows the page's Content-Security-Policy. The policy in the HTML has to allow any proxy
 *    address, because a static file cannot know which one is chosen. Policies only ever add up, so
 *    a second one listing just this page, the default proxy and the chosen proxy takes the rest away,
 *    from all but workers, which have policies of their own.
 *    It can't be widened again: choosing another proxy means loading the page again.
 * 3. Fetches files again that the browser refuses. One that a host once sent with a wrong type is
 *    kept with it, and asked for only when it has grown old, however right the host is by then.
 *
 * Everything may fail (storage blocked, a nonsense address): the page must start all the same.
 */
(function () {
  "use strict";

  var root = document.documentElement;
  var DEFAULT_PROXY = "http://localhost:8000";

  /** @param {string} key @param {string} [area] @returns {string | null} */
  function stored(key, area) {
    try {
      return window[area || "localStorage"].getItem(key);
    } catch (_blocked) {
      return null;
    }
  }

  /** @returns {{id: string, name: string}[]} who there is */
  function everybody() {
    try {
      var users = JSON.parse(stored("kimi:users")).users.filter(function (user) {
        return typeof user.name === "string" && /^[a-z0-9-]{1,40}$/.test(user.id);
      });
      if (users.length) return users;
    } catch (_missingOrDamaged) {
      // The one who is always there.
    }
    return [{ id: "default", name: "" }];
  }

  /** @returns {string} the id of the user in ?user=, of this tab, or chosen last; "" for a new one */
  function whose() {
    var users = everybody();
    function find(wanted) {
      if (!wanted) return undefined;
      var name = wanted.trim().toLowerCase();
      return (
        users.filter(function (user) { return user.id === wanted; })[0] ||
        users.filter(function (user) { return user.name && user.name.toLowerCase() === name; })[0]
      );
    }
    var asked = null;
    try {
      asked = new URLSearchParams(window.location.search).get("user");
    } catch (_unreadable) {
      // An unreadable query is the same as none.
    }
    if (asked && asked.trim()) return (find(asked) || { id: "" }).id;
    var last = find(stored("kimi:user", "sessionStorage")) || find(stored("kimi:user"));
    return (last || users[0]).id;
  }

  var user = whose();
  root.dataset.user = user;

  /** @param {string} name @returns {string | null} what this user chose */
  function choice(name) {
    // Versions that knew no users wrote kimi:theme; Python moves it once.
    var unowned = user === "default" ? stored("kimi:" + name) : null;
    return unowned || stored("kimi:" + user + ":" + name);
  }

  /**
   * The http(s) and ws(s) forms of an address's origin; nothing when it is not such an address.
   * @param {string | null} address
   * @returns {string[]}
   */
  function origins(address) {
    if (!address) return [];
    try {
      var text = address.trim();
      var url = new URL(text.indexOf("://") < 0 ? "http://" + text : text);
      var secure = url.protocol === "https:" || url.protocol === "wss:";
      if (!secure && url.protocol !== "http:" && url.protocol !== "ws:") return [];
      // A host is all that may reach the policy: no space, quote, comma or semicolon can hide in it.
      if (!/^[a-z0-9.\-_[\]:]+$/i.test(url.host)) return [];
      return secure
        ? ["https://" + url.host, "wss://" + url.host]
        : ["http://" + url.host, "ws://" + url.host];
    } catch (_invalid) {
      return [];
    }
  }

  /** @returns {string | null} the address in ?proxy=, else the stored one */
  function chosenProxy() {
    try {
      var asked = new URLSearchParams(window.location.search).get("proxy");
      if (asked && origins(asked).length) return asked;
    } catch (_unreadable) {
      // An unreadable query is the same as none.
    }
    return choice("proxy");
  }

  try {
    var theme = choice("theme");
    if (theme === "dark" || theme === "light") root.setAttribute("data-theme", theme);

    var language = choice("language") || window.navigator.language.toLowerCase().split("-")[0];
    if (language === "fr" || language === "en") root.lang = language;
  } catch (_error) {
    // The defaults of the HTML stand.
  }

  try {
    // The page's own ws: form is spelled out: not every browser reads it into 'self'.
    var own = origins(window.location.origin);
    var chosen = origins(chosenProxy());
    // Anybody's: a proxy that answered one user is waited for by one who knows none.
    var last = everybody().reduce(function (known, person) {
      return known.concat(origins(stored("kimi:" + person.id + ":last-proxy")));
    }, origins(choice("last-proxy")));
    var allowed = ["'self'"].concat(own, origins(DEFAULT_PROXY), last, chosen);
    // A policy has no way to name an IPv6 address. With such a proxy the wider policy has to stand.
    if (last.concat(chosen).join().indexOf("[") >= 0) return;
    allowed = allowed.filter(function (source, index) {
      return source.indexOf("[") < 0 && allowed.indexOf(source) === index;
    });
    var policy = document.createElement("meta");
    policy.httpEquiv = "Content-Security-Policy";
    policy.content = "connect-src " + allowed.join(" ");
    document.head.appendChild(policy);
  } catch (_error) {
    // The wider policy of the HTML stands.
  }

  var REFUSED = "link[rel=stylesheet], link[rel=modulepreload], script[type=module]";
  var FETCHED_ANEW = "kimi:fetched-anew";
  var A_MINUTE = 60000;
  var refused = false;

  /** @param {Event} event */
  function onRefusal(event) {
    if (event.target instanceof Element && event.target.matches(REFUSED)) refused = true;
  }

  /** @param {Element} element @returns {Promise<boolean>} whether its file is there and has a right type */
  function fetchAnew(element) {
    return fetch(element.href || element.src, { cache: "reload" }).then(function (answer) {
      return answer.ok && /css|javascript/.test(answer.headers.get("content-type"));
    });
  }

  /** Loads the page again if that helps; at most once a minute, or it might never end. */
  function onLoad() {
    window.removeEventListener("error", onRefusal, true);
    if (!refused || Date.now() - Number(stored(FETCHED_ANEW, "sessionStorage")) < A_MINUTE) return;
    var files = Array.prototype.slice.call(document.querySelectorAll(REFUSED));
    Promise.all(files.map(fetchAnew)).then(function (right) {
      if (right.indexOf(false) >= 0) return;
      window.sessionStorage.setItem(FETCHED_ANEW, String(Date.now()));
      window.location.reload();
    }).catch(function (_blockedOrAway) {
      // What the page says of files that did not load stands.
    });
  }

  window.addEventListener("error", onRefusal, true);
  window.addEventListener("load", onLoad);
})();
