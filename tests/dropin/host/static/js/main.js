/** The dashboard's entry: starts when the document is there, as dashboards do. */
import { loadInitialData, listSessions } from "./modules/api.js";
import {
  getSessionManager,
  loadSessionData,
  reloadSessionData,
} from "./modules/sessions.js";
import { attach, fillSessions, toast } from "./modules/ui.js";
import { eventBus } from "./modules/utils.js";
import { connect } from "./modules/websocket.js";

window.starts = 0;
window.heard = [];

document.addEventListener("DOMContentLoaded", async () => {
  window.starts += 1;
  for (const event of [
    "sessionChanged",
    "session:loaded",
    "metrics:loaded",
    "metric:added",
    "metric:updated",
    "memory:updated",
    "metrics:cleared",
  ]) {
    eventBus.on(event, (data) => window.heard.push([event, data]));
  }
  attach();
  const data = await loadInitialData();
  if (data?.session) loadSessionData(data);
  fillSessions(await listSessions());
  connect();
  document.getElementById("sessions").addEventListener("change", async (event) => {
    try {
      await getSessionManager().switchSession(Number(event.target.value));
    } catch (error) {
      toast(error.message);
    }
  });
  eventBus.on("reload", reloadSessionData);
  document.getElementById("status").textContent = "ready";
});
