/** What the dashboard asks its proxy. */
async function ask(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

export const loadInitialData = () => ask("/api/sessions/active");
export const listSessions = () => ask("/api/sessions");
