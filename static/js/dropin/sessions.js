/**
 * Sessions and metrics of Kimi Proxy's dashboard, kept by Python.
 *
 * It takes the place of the dashboard's own sessions.js: same exports, same events on the same
 * bus. Importing it waits until Python is up. Every value handed out is a plain object of the
 * caller's own, to be changed at will.
 */
import { loadInitialData } from "./api.js";
import { eventBus } from "./utils.js";

/**
 * The functions of py/dropin/surface.py. Until Python is up only a module that this one imports
 * can have got here.
 */
let python = new Proxy(
  {},
  {
    get() {
      throw new Error("sessions.js: Python is still starting; await the import first.");
    },
  },
);

/** Given to the constructor of the one manager that has the module's own state. */
const SHARED = Symbol("shared");

/** Grows with every change; an answer from before it is out of date. */
let version = 0;

/** An answer of Python's, asked for again only after a change. */
class Known {
  #ask;
  #version = -1;
  #value;

  /** @param {(before: any) => any} ask gets the answer before this one */
  constructor(ask) {
    this.#ask = ask;
  }

  /** The answer itself: to be copied before it leaves this module. */
  get value() {
    if (this.#version !== version) {
      this.#value = this.#ask(this.#value);
      this.#version = version;
    }
    return this.#value;
  }
}

const current = new Known(() => JSON.parse(python.current()));
const stats = new Known(() => JSON.parse(python.stats()));
const accuracy = new Known(() => JSON.parse(python.accuracy()));
const merged = new Known(() => ({ from: Infinity, until: -Infinity, answer: null }));
// Python sends a metric once; later it only says where the known ones have gone.
const metrics = new Known((before = []) => {
  const [start, end, changed, added] = JSON.parse(python.metrics());
  const now = before.slice(start, end);
  for (const [place, metric] of changed) now[place] = metric;
  return now.concat(added);
});

// -- the manager ------------------------------------------------------------------------

/** Managers that nobody holds any more are dropped in Python too. */
const abandoned = new FinalizationRegistry((number) => python.close_manager(number));

export class SessionManager {
  #number = 0;
  #state = new Known(() => JSON.parse(python.manager_state(this.#number)));

  /** A new manager has a state of its own; see `getSessionManager()` for the page's. */
  constructor(shared) {
    if (shared === SHARED) return;
    this.#number = python.open_manager();
    abandoned.register(this, this.#number);
  }

  /** The current session, or null. */
  get activeSession() {
    return copy(this.#state.value.activeSession);
  }

  /** Sessions switched to, the latest last. @returns {object[]} */
  get sessionHistory() {
    return copy(this.#state.value.sessionHistory);
  }

  /** Proxy configs by session id. @returns {Map<number | string, object>} */
  get sessionProxyMap() {
    return new Map(copy(this.#state.value.sessionProxyMap));
  }

  /**
   * Makes a session current; when it cannot be loaded nothing changes and the promise rejects.
   * @param {number | string} sessionId
   * @param {object[] | null} [existingMetrics] oldest first
   * @returns {Promise<object>} the session
   */
  async switchSession(sessionId, existingMetrics = null) {
    const task = python.switch_session(this.#number, toId(sessionId), toJson(existingMetrics));
    return changed(await outcome(task, sessionId));
  }

  /** @param {number | string} sessionId @returns {Promise<object | null>} null: no such session */
  async loadSession(sessionId) {
    return outcome(python.load_session(this.#number, toId(sessionId)), sessionId);
  }

  /** @param {object} session @returns {Promise<object | null>} the config, now cached */
  async updateProxyConfig(session) {
    return changed(JSON.parse(python.update_proxy_config(this.#number, toJson(session))));
  }

  /** @param {string} model */
  extractProvider(model) {
    return python.extract_provider(toText(model));
  }

  /** A browser has no business with keys: the proxy has them. @returns {Promise<null>} */
  async getApiKeyForProvider() {
    return null;
  }

  /** @param {string} provider @returns {number} seconds */
  getTimeoutForProvider(provider) {
    return python.get_timeout(toText(provider));
  }

  /** @param {object} session @returns {object | null} */
  getProxyConfig(session) {
    return changed(JSON.parse(python.get_proxy_config(this.#number, toJson(session))));
  }

  getActiveSession() {
    return this.activeSession;
  }

  /** @param {number | string} sessionId @returns {boolean} */
  isSessionActive(sessionId) {
    return python.is_session_active(this.#number, toId(sessionId));
  }

  /** @param {number} [maxHistory] sessions to keep */
  cleanupOldConfigs(maxHistory) {
    changed(python.cleanup_old_configs(this.#number, toNumber(maxHistory)));
  }
}

/** @type {SessionManager | undefined} */
let shared;

/** The page's one manager. */
export function getSessionManager() {
  shared ??= new SessionManager(SHARED);
  return shared;
}

// -- the current session ----------------------------------------------------------------

export function getCurrentSessionId() {
  return current.value.sessionId;
}

export function getCurrentMaxContext() {
  return current.value.maxContext;
}

export function getCurrentMemoryMetrics() {
  return copy(current.value.memory);
}

export function getLastProxyData() {
  return copy(current.value.proxy);
}

export function getLastLogData() {
  return copy(current.value.log);
}

/** @param {number | string | null} sessionId */
export function setCurrentSessionId(sessionId) {
  changed(python.set_session_id(toId(sessionId)));
}

/** @param {number | null} tokens */
export function setCurrentMaxContext(tokens) {
  changed(python.set_max_context(toNumber(tokens)));
}

/** @param {{tokens: number, percentage: number, timestamp: number} | null} data */
export function setLastProxyData(data) {
  changed(python.set_proxy_data(toJson(data)));
}

/** @param {{tokens: number, percentage: number, timestamp: number, source: string} | null} data */
export function setLastLogData(data) {
  changed(python.set_log_data(toJson(data)));
}

/** @param {{memory_tokens: number, chat_tokens: number, memory_ratio: number}} data */
export function setMemoryMetrics(data) {
  changed(python.set_memory(toJson(data)));
}

/**
 * @param {object} data the proxy's answer about a session
 * @returns {object | null} the same; null: there was no session in it, nothing has changed
 */
export function loadSessionData(data) {
  return changed(python.load_session_data(toJson(data))) ? data : null;
}

/** Asks the host's api.js again. @returns {Promise<object | null>} what it answered */
export async function reloadSessionData() {
  return loadSessionData(await loadInitialData());
}

// -- metrics ----------------------------------------------------------------------------

export function getSessionMetrics() {
  return copy(metrics.value);
}

/** @param {object} metric @param {number | string} [sessionId] */
export function addMetric(metric, sessionId) {
  changed(python.add_metric(toJson(metric), toId(sessionId)));
}

/**
 * @param {number | string} metricId
 * @param {{total: number, prompt: number, completion: number, percentage: number}} realTokens
 * @param {number} [cumulativeTokens] @param {number} [cumulativePercentage]
 * @returns {object | null} the metric; null when it is not known
 */
export function updateMetricWithRealTokens(
  metricId,
  realTokens,
  cumulativeTokens,
  cumulativePercentage,
) {
  const metric = python.update_metric(
    toId(metricId),
    toJson(realTokens),
    toNumber(cumulativeTokens),
    toNumber(cumulativePercentage),
  );
  return changed(metric === undefined ? null : JSON.parse(metric));
}

export function clearMetrics() {
  changed(python.clear_metrics());
}

export function calculateStats() {
  return copy(stats.value);
}

/** How close the last estimate came, or null. */
export function calculateAccuracy() {
  return copy(accuracy.value);
}

/** What to believe of the last proxy and log data, or null when there are none. */
export function mergeDataSources() {
  const known = merged.value;
  const now = Date.now();
  if (now < known.from || now >= known.until) {
    const [from, until, answer] = JSON.parse(python.merged());
    Object.assign(known, { from, until: until ?? Infinity, answer });
  }
  return copy(known.answer);
}

// -- inside -----------------------------------------------------------------------------

/** Marks all known answers as out of date; to be called after the change. */
function changed(result) {
  version += 1;
  return result;
}

/** Called by Python for every event, while it happens. */
function deliver(event, json) {
  version += 1; // a listener that asks gets the state that it is told of
  try {
    eventBus.emit(event, json === undefined ? undefined : JSON.parse(json));
  } catch (error) {
    console.error(`sessions.js, ${event}:`, error);
  }
}

/** What becomes of a task of Python's. @param {any} task @param {unknown} sessionId */
async function outcome(task, sessionId) {
  let answer;
  try {
    answer = JSON.parse(await task);
  } finally {
    task.destroy();
  }
  if (!answer.error) return answer.value;
  const isMissing = answer.error === "SessionNotFound";
  const error = new Error(isMissing ? `Session ${sessionId} introuvable` : answer.message);
  error.name = answer.error;
  throw error;
}

/** A copy that shares nothing with its source. */
function copy(value) {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(copy);
  const twin = { ...value };
  for (const name in twin) {
    const item = twin[name];
    if (typeof item === "object" && item !== null) twin[name] = copy(item);
  }
  return twin;
}

/** What JSON has no word for (a circle, a BigInt) counts as null. */
function toJson(value) {
  try {
    return JSON.stringify(value) ?? "null";
  } catch {
    return "null";
  }
}

// Only plain values may cross: anything else would reach Python as a proxy to be freed.
function toId(value) {
  return typeof value === "number" || typeof value === "string" ? value : undefined;
}

function toNumber(value) {
  return typeof value === "number" ? value : undefined;
}

function toText(value) {
  return typeof value === "string" ? value : undefined;
}

/** Why Python did not start, for the person in front of the page. */
const REASONS = {
  en: {
    sentence: (reason) => `The dashboard could not start Python: ${reason}`,
    off: () => "WebAssembly is switched off in this browser.",
    refused: () =>
      "the page's Content-Security-Policy forbids WebAssembly; " +
      "its script-src needs 'wasm-unsafe-eval'.",
    missing: ({ file, detail }) => `${file} is missing (${detail}).`,
    unreachable: ({ file }) => `${file} is missing or cannot be fetched.`,
    stalled: ({ file }) => `${file} does not arrive; reload the page to try again.`,
    damaged: ({ file }) => `${file} is damaged; copy it again.`,
  },
  fr: {
    sentence: (reason) => `Le tableau de bord n’a pas pu démarrer Python : ${reason}`,
    off: () => "WebAssembly est désactivé dans ce navigateur.",
    refused: () =>
      "la Content-Security-Policy de la page interdit WebAssembly ; " +
      "il faut 'wasm-unsafe-eval' dans script-src.",
    missing: ({ file, detail }) => `${file} est absent (${detail}).`,
    unreachable: ({ file }) => `${file} est absent ou inaccessible.`,
    stalled: ({ file }) => `${file} n’arrive pas ; rechargez la page pour réessayer.`,
    damaged: ({ file }) => `${file} est endommagé ; copiez-le à nouveau.`,
  },
};

/** Milliseconds given to the small files that start the rest, which watches itself. */
const PATIENCE = 30_000;

/** Starts Python. When that fails, the modules that wait do not run: the page has to say so. */
async function start() {
  try {
    if (typeof WebAssembly !== "object") throw { reason: "off" };
    const { boot } = await starter();
    return await boot(deliver);
  } catch (cause) {
    const language = document.documentElement.lang || navigator.language;
    const texts = language.startsWith("fr") ? REASONS.fr : REASONS.en;
    const sentence = texts.sentence(texts[cause.reason]?.(cause) ?? String(cause));
    showNotice(sentence);
    throw new Error(sentence, { cause });
  }
}

/** The module that starts Python. */
async function starter() {
  let timer;
  const patience = new Promise((_, reject) => {
    timer = setTimeout(reject, PATIENCE, { reason: "stalled", file: "sessions-runtime" });
  });
  const module = import("./sessions-runtime/boot.js").catch((cause) => {
    throw { reason: "unreachable", file: "sessions-runtime", cause };
  });
  try {
    return await Promise.race([module, patience]);
  } finally {
    clearTimeout(timer);
  }
}

/** @param {string} sentence */
function showNotice(sentence) {
  if (document.getElementById("sessions-notice")) return; // of another copy of this module
  const notice = document.createElement("p");
  notice.id = "sessions-notice";
  notice.setAttribute("role", "alert");
  notice.textContent = sentence;
  // Through the object model: a page's policy may forbid style attributes.
  notice.style.cssText =
    "position:fixed;inset:0 0 auto;z-index:2147483647;margin:0;padding:12px 16px;" +
    "background:#7f1d1d;color:#fff;font:16px/1.4 system-ui,sans-serif";
  (document.body ?? document.documentElement).append(notice);
}

python = await start();
