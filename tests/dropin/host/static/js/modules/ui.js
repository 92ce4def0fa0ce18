/** Writes into the page what the bus tells. */
import { showWindow } from "./modals.js";
import {
  calculateAccuracy,
  calculateStats,
  getCurrentMemoryMetrics,
  getCurrentSessionId,
  getSessionMetrics,
  mergeDataSources,
} from "./sessions.js";
import { eventBus } from "./utils.js";

function write(id, value) {
  document.getElementById(id).textContent = String(value ?? "");
}

export function toast(text) {
  write("toast", text);
}

export function fillSessions(sessions) {
  const options = sessions.map(({ id, name }) => new Option(name, id));
  document.getElementById("sessions").replaceChildren(...options);
}

function line(metric) {
  const item = document.createElement("li");
  item.id = `metric-${metric.id}`;
  item.textContent = `${metric.content_preview}: ${metric.estimated_tokens}`;
  return item;
}

function figures() {
  const { totalRequests, maxTokens } = calculateStats();
  write("requests", totalRequests);
  write("largest", maxTokens);
  write("accuracy", calculateAccuracy()?.formattedAccuracy);
}

function session() {
  write("session", getCurrentSessionId());
  write("window", showWindow());
  write("memory", getCurrentMemoryMetrics().memory_tokens);
  document.getElementById("feed").replaceChildren(...getSessionMetrics().map(line));
  figures();
}

export function attach() {
  eventBus.on("session:loaded", session);
  eventBus.on("metrics:loaded", session);
  eventBus.on("metrics:cleared", session);
  eventBus.on("memory:updated", (memory) => write("memory", memory.memory_tokens));
  eventBus.on("metric:added", (metric) => {
    document.getElementById("feed").append(line(metric));
    figures();
  });
  eventBus.on("metric:updated", ({ metric }) => {
    document.getElementById(`metric-${metric.id}`).replaceWith(line(metric));
    figures();
  });
  eventBus.on("sessionChanged", ({ proxyConfig }) => {
    write("provider", proxyConfig?.provider);
    session();
  });
  eventBus.on("sources:changed", () => {
    const merged = mergeDataSources();
    write("context", merged?.tokens);
    write("source", merged?.source ?? "proxy");
  });
}
