/**
 * The exports of sessions.js in plain JavaScript: what the drop-in is measured against.
 *
 * Written for the benchmark, after the contract: it keeps its state in this module and hands out
 * copies, as the drop-in does. What no figure is taken of is only there by name.
 */
import { loadInitialData } from "./api.js";
import { eventBus } from "./utils.js";

const CAPACITY = 100;
const FRESH_FOR = 5000;
const PRIORITIES = { compile_chat: 4, continue_compile_chat: 4, api_error: 3, proxy: 2 };

let sessionId = null;
let maxContext = 262144;
let memory = { memory_tokens: 0, chat_tokens: 0, memory_ratio: 0, has_memory: false };
let metrics = [];
let proxyData = null;
let logData = null;

const copy = (value) => (value === null ? null : { ...value });

export class SessionManager {
  activeSession = null;
  sessionHistory = [];
  sessionProxyMap = new Map();

  async switchSession(id) {
    const newSession = await this.loadSession(id);
    const oldSession = this.activeSession;
    this.activeSession = newSession;
    eventBus.emit("sessionChanged", { oldSession, newSession, proxyConfig: null });
    return newSession;
  }
  async loadSession(id) {
    const answer = await (await fetch(`/api/sessions/${id}`)).json();
    return answer.session;
  }
  async updateProxyConfig(session) {
    this.sessionProxyMap.set(session.id, { session_id: session.id });
  }
  extractProvider(model) {
    return model?.split("-")[0].toLowerCase() ?? "unknown";
  }
  async getApiKeyForProvider() {
    return null;
  }
  getTimeoutForProvider() {
    return 30;
  }
  getProxyConfig(session) {
    return this.sessionProxyMap.get(session.id) ?? null;
  }
  getActiveSession() {
    return this.activeSession;
  }
  isSessionActive(id) {
    return this.activeSession?.id === id;
  }
  cleanupOldConfigs() {
    this.sessionProxyMap.clear();
  }
}

const manager = new SessionManager();
export const getSessionManager = () => manager;

export const getCurrentSessionId = () => sessionId;
export const getSessionMetrics = () => metrics.map(copy);
export const getCurrentMaxContext = () => maxContext;
export const getCurrentMemoryMetrics = () => copy(memory);
export const getLastProxyData = () => copy(proxyData);
export const getLastLogData = () => copy(logData);
export const setCurrentSessionId = (id) => void (sessionId = id);
export const setCurrentMaxContext = (tokens) => void (maxContext = tokens);
export const setLastProxyData = (data) => void (proxyData = data);
export const setLastLogData = (data) => void (logData = data);

export function loadSessionData(data) {
  sessionId = data.session.id;
  metrics = (data.recent_metrics ?? []).toReversed().map(copy);
  eventBus.emit("session:loaded", data);
  eventBus.emit("metrics:loaded", getSessionMetrics());
}

export async function reloadSessionData() {
  loadSessionData(await loadInitialData());
}

export function addMetric(metric, owner) {
  sessionId ??= owner;
  const last = metrics.at(-1);
  const grown = last ? Math.max(0, metric.estimated_tokens - last.estimated_tokens) : 0;
  const delta_tokens = metric.delta_tokens || (last ? grown : metric.estimated_tokens);
  const known = { ...metric, delta_tokens };
  metrics.push(known);
  if (metrics.length > CAPACITY) metrics.shift();
  eventBus.emit("metric:added", copy(known));
}

export function updateMetricWithRealTokens(id, realTokens) {
  const metric = metrics.find((one) => one.id === id);
  if (!metric) return null;
  metric.initial_estimate ??= metric.estimated_tokens;
  metric.estimated_tokens = realTokens.total;
  metric.percentage = realTokens.percentage;
  metric.is_estimated = false;
  metric.prompt_tokens = realTokens.prompt;
  metric.completion_tokens = realTokens.completion;
  eventBus.emit("metric:updated", {
    metric: copy(metric),
    realTokens,
    cumulativeTokens: null,
    cumulativePercentage: null,
  });
  return copy(metric);
}

export function calculateStats() {
  const totals = metrics.map((metric) => metric.estimated_tokens);
  const real = metrics.filter((metric) => !metric.is_estimated);
  const sum = (values) => values.reduce((one, other) => one + other, 0);
  return {
    totalRequests: metrics.length,
    maxTokens: Math.max(0, ...totals),
    avgTokens: metrics.length ? Math.round(sum(totals) / metrics.length) : 0,
    totalPrompt: sum(real.map((metric) => metric.prompt_tokens)),
    totalCompletion: sum(real.map((metric) => metric.completion_tokens)),
  };
}

export function calculateAccuracy() {
  const metric = metrics.findLast((one) => !one.is_estimated);
  if (!metric) return null;
  const { initial_estimate: estimated, estimated_tokens: real } = metric;
  const accuracy = Math.max(0, (1 - Math.abs(estimated - real) / real) * 100);
  return { estimated, real, accuracy, diff: real - estimated };
}

export function mergeDataSources() {
  const now = Date.now();
  const proxy = proxyData && now - proxyData.timestamp < FRESH_FOR ? proxyData : null;
  const log = logData && now - logData.timestamp < FRESH_FOR ? logData : null;
  if (!proxy || !log) return copy(proxy ?? log ?? proxyData ?? logData);
  const difference = Math.abs(proxy.tokens - log.tokens);
  const mean = (proxy.tokens + log.tokens) / 2;
  if (mean > 0 && difference / mean < 0.2 && difference > 100) {
    return {
      tokens: Math.max(proxy.tokens, log.tokens),
      percentage: Math.max(proxy.percentage, log.percentage),
      source: "hybrid",
    };
  }
  const isLog = (PRIORITIES[log.source] ?? 1) > PRIORITIES.proxy;
  return { source: "proxy", ...(isLog ? log : proxy) };
}

export function clearMetrics() {
  metrics = [];
  eventBus.emit("metrics:cleared");
}

export function setMemoryMetrics(data) {
  memory = { ...data, has_memory: data.memory_tokens > 0 };
  eventBus.emit("memory:updated", copy(memory));
}
