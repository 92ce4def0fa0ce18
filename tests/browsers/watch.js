// Writes down what the page logs and complains about, and can refuse it all site data.
(() => {
  const told = (value) => (value instanceof Error ? `${value}\n${value.stack ?? ""}` : String(value));
  window.complaints = [];
  window.logged = [];
  for (const level of ["log", "info", "warn", "error"]) {
    const log = console[level];
    console[level] = (...values) => {
      const text = values.map(told).join(" ");
      window.logged.push(text);
      if (level === "warn" || level === "error") window.complaints.push(`console ${level}: ${text}`);
      log.apply(console, values);
    };
  }
  addEventListener("error", ({ message, filename }) => {
    window.complaints.push(`error: ${message} (${filename})`);
  });
  addEventListener("unhandledrejection", ({ reason }) => {
    window.complaints.push(`unhandled rejection: ${told(reason)}`);
  });

  // As WebKit has it where "Block all cookies" is set, which its driver cannot do.
  if (!location.search.includes("no-site-data")) return;
  function refuse() {
    throw new DOMException("The operation is insecure.", "SecurityError");
  }
  for (const name of ["localStorage", "sessionStorage", "indexedDB", "caches"]) {
    Object.defineProperty(window, name, { get: refuse, configurable: true });
  }
  Object.defineProperty(window, "BroadcastChannel", { value: refuse, configurable: true });
  for (const name of ["locks", "serviceWorker", "storage"]) {
    Object.defineProperty(Navigator.prototype, name, { get: refuse, configurable: true });
  }
})();
