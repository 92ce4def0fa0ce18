"""The bridge: the only package that knows JavaScript. Each module implements one port."""
