/** What the dashboard asks its proxy. It imports the module that imports it. */
import { getCurrentSessionId } from "./sessions.js";

async function ask(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

export const loadInitialData = () => ask("/api/sessions/active");
export const listSessions = () => ask("/api/sessions");
export const compactionStats = () => ask(`/api/compaction/${getCurrentSessionId()}/stats`);
export const activate = async (id) => {
  const answer = await fetch(`/api/sessions/${id}/activate`, { method: "POST" });
  if (!answer.ok) throw new Error(`${answer.status}`);
};
