/** Hands what the proxy sends to the sessions module. */
import {
  addMetric,
  getCurrentSessionId,
  loadSessionData,
  setLastLogData,
  setLastProxyData,
  updateMetricWithRealTokens,
} from "./sessions.js";
import { eventBus } from "./utils.js";

export function connect() {
  const socket = new WebSocket(`ws://${location.host}/ws`);
  socket.onmessage = (message) => handle(JSON.parse(message.data));
  socket.onopen = () => (window.connected = true);
}

function handle(frame) {
  const timestamp = Date.now();
  if (frame.type === "init") {
    loadSessionData(frame);
  } else if (frame.type === "metric") {
    addMetric(frame.metric, frame.session_id);
  } else if (frame.type === "metric_updated" && frame.session_id === getCurrentSessionId()) {
    updateMetricWithRealTokens(
      frame.metric_id,
      frame.real_tokens,
      frame.cumulative_tokens,
      frame.cumulative_percentage,
    );
    const { total, percentage } = frame.real_tokens;
    setLastProxyData({ tokens: total, percentage, timestamp });
    eventBus.emit("sources:changed");
  } else if (frame.type === "log_metric") {
    const { total_tokens: tokens, percentage } = frame.metrics;
    setLastLogData({ tokens, percentage, timestamp, source: frame.source });
    eventBus.emit("sources:changed");
  }
}
