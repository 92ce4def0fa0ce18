/** Hands what the proxy sends about the active session to the sessions module. */
import { activate } from "./api.js";
import {
  addMetric,
  getSessionManager,
  reloadSessionData,
  setLastLogData,
  setLastProxyData,
  setMemoryMetrics,
  updateMetricWithRealTokens,
} from "./sessions.js";
import { eventBus } from "./utils.js";

let active = null;

eventBus.on("session:loaded", ({ session }) => (active = session.id));

export function connect() {
  const socket = new WebSocket(`ws://${location.host}/ws`);
  socket.onmessage = (message) => handle(JSON.parse(message.data));
}

/** Chooses a session by the proxy, as a click in the list does. */
export async function choose(id) {
  await activate(id);
  await reloadSessionData();
}

async function follow() {
  const data = await (await fetch("/api/sessions/active")).json();
  await getSessionManager().switchSession(data.session.id, data.recent_metrics);
  eventBus.emit("session:loaded", data);
}

function handle(frame) {
  const timestamp = Date.now();
  if (frame.session_id && frame.session_id !== active) return;
  if (frame.type === "init") {
    active = frame.session.id;
    window.connected = true;
  } else if (frame.type === "metric") {
    const { metric } = frame;
    const tokens = metric.cumulative_tokens || metric.estimated_tokens;
    setLastProxyData({ tokens, percentage: metric.percentage, timestamp });
    eventBus.emit("sources:changed");
    addMetric(metric, frame.session_id);
    if (metric.memory_tokens > 0) {
      const { memory_tokens, chat_tokens, memory_ratio } = metric;
      setMemoryMetrics({ memory_tokens, chat_tokens, memory_ratio, has_memory: true });
    }
  } else if (frame.type === "metric_updated") {
    updateMetricWithRealTokens(frame.metric_id, frame.real_tokens);
    const { cumulative_tokens: tokens, cumulative_percentage: percentage } = frame;
    setLastProxyData({ tokens, percentage, timestamp });
    eventBus.emit("sources:changed");
  } else if (frame.type === "log_metric") {
    const { total_tokens: tokens, percentage } = frame.metrics;
    setLastLogData({ tokens, percentage, timestamp, source: frame.source });
    eventBus.emit("sources:changed");
  } else if (frame.type === "new_session") {
    reloadSessionData();
  } else if (frame.type === "auto_session_created") {
    follow();
  }
}
