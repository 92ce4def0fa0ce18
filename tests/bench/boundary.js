/** Runs in the page of boundary.py: calls the drop-in and a plain module in turns. */
import * as plain from "./plain_sessions.js";
import * as ours from "./sessions.js";

const METRICS = 100;
const LEAK_CALLS = 10_000;

let next = 1;

function metric() {
  const id = next++;
  return {
    id,
    timestamp: "2026-11-22T06:39:17.674548",
    estimated_tokens: 1000 + (id % 977) * 37,
    cumulative_tokens: 52_000,
    delta_tokens: 0,
    system_tokens: 900,
    history_tokens: 12_000,
    percentage: 12.5,
    content_preview: "What does this function do, and why is it called twice?",
    is_estimated: true,
    source: "proxy",
  };
}

function real(round) {
  const total = 2000 + (round % 4999);
  return { total, prompt: total - 80, completion: 80, percentage: 7.5 };
}

/** What is called, given a module, the number of the call, and an id in the buffer. */
const CALLS = {
  addMetric: (module) => module.addMetric(metric(), 1),
  getSessionMetrics: (module) => module.getSessionMetrics(),
  calculateStats: (module) => module.calculateStats(),
  mergeDataSources: (module) => module.mergeDataSources(),
  updateMetricWithRealTokens: (module, turn, ids) =>
    module.updateMetricWithRealTokens(ids[turn % METRICS], real(turn)),
  // After each change everything is asked again: what a dashboard does for every request.
  "addMetric, then all four": (module, turn) => {
    const added = metric();
    module.addMetric(added, 1);
    module.updateMetricWithRealTokens(added.id, real(turn));
    module.getSessionMetrics();
    module.calculateStats();
    module.mergeDataSources();
  },
};

function fill(module) {
  module.clearMetrics();
  const ids = [];
  for (let left = METRICS; left; left--) {
    const added = metric();
    ids.push(added.id);
    module.addMetric(added, 1);
  }
  const timestamp = Date.now() + 3_600_000; // fresh throughout
  module.setLastProxyData({ tokens: 5000, percentage: 2, timestamp });
  module.setLastLogData({ tokens: 5200, percentage: 2.1, timestamp, source: "logs" });
  return ids;
}

function time(module, call, calls) {
  const ids = fill(module);
  const start = performance.now();
  for (let turn = 0; turn < calls; turn++) call(module, turn, ids);
  return ((performance.now() - start) * 1000) / calls;
}

/** What the two languages hold of each other. */
function held() {
  const { _module } = globalThis.pyodide;
  globalThis.pyodide.runPython("import gc; gc.collect()");
  return {
    "Python's objects held by JavaScript": _module.pyproxy_alloc_map?.size,
    "JavaScript's objects held by Python": _module._hiwire_num_refs?.(),
  };
}

export function measure({ calls, rounds }) {
  const functions = {};
  for (const [name, call] of Object.entries(CALLS)) {
    const figures = { ours: [], plain: [] };
    for (let round = 0; round < rounds; round++) {
      figures.ours.push(time(ours, call, calls));
      figures.plain.push(time(plain, call, calls));
    }
    functions[name] = { ours: Math.min(...figures.ours), plain: Math.min(...figures.plain) };
  }
  const ids = fill(ours);
  const before = held();
  const kinds = Object.values(CALLS).slice(0, 5);
  for (let turn = 0; turn < LEAK_CALLS; turn++) kinds[turn % kinds.length](ours, turn, ids);
  return { functions, calls: LEAK_CALLS, before, after: held() };
}
