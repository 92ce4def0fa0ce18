/** The dashboard's entry: starts when the document is there, as dashboards do. */
import { compactionStats, listSessions, loadInitialData } from "./modules/api.js";
import { chooseWindow, clear } from "./modules/modals.js";
import {
  getSessionManager,
  loadSessionData,
  reloadSessionData,
} from "./modules/sessions.js";
import { attach, fillSessions, toast } from "./modules/ui.js";
import { eventBus } from "./modules/utils.js";
import { choose, connect } from "./modules/websocket.js";

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
  if (data?.session && loadSessionData(data) === data) chooseWindow(data.session.max_context);
  fillSessions(await listSessions());
  connect();
  document.getElementById("sessions").addEventListener("change", async (event) => {
    try {
      await getSessionManager().switchSession(Number(event.target.value));
    } catch (error) {
      toast(error.message);
    }
  });
  document.getElementById("clear").addEventListener("click", clear);
  eventBus.on("session:choose", choose);
  eventBus.on("reload", async () => fillSessions(await listSessions(), await reloadSessionData()));
  eventBus.on("compaction", async () => toast((await compactionStats()).session_id));
  document.getElementById("status").textContent = "ready";
});
