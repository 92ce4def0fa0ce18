"""The drop-in ``sessions.js``: the core under the dashboard that Kimi Proxy brings along."""
