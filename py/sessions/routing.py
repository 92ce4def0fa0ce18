"""Which provider serves a model, how long to wait for it, and the cache of that answer."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from weakref import WeakValueDictionary

from .models import ProxyConfig, Routing, Session, id_key

UNKNOWN = "unknown"
DEFAULT_TIMEOUT = 30

_PROVIDER_BY_PREFIX = {
    "kimi": "nvidia",
    "gpt": "openai",
    "claude": "anthropic",
    "mistral": "mistral",
    "llama": "meta",
    "gemini": "google",
}
_TIMEOUTS = {
    "nvidia": 30,
    "openai": 60,
    "anthropic": 120,
    "mistral": 45,
    "google": 60,
    "meta": 90,
}


def extract_provider(model: str | None) -> str:
    """Guess the provider from a model's name.

    Example:
        >>> [extract_provider(m) for m in ("Kimi-K2", "nvidia/glm-5", "deepseek-v3", "x", None)]
        ['nvidia', 'nvidia', 'deepseek', 'unknown', 'unknown']
    """
    if not model:
        return UNKNOWN
    name = model.lower()
    for prefix, provider in _PROVIDER_BY_PREFIX.items():
        if name.startswith(prefix):
            return provider
    for separator in "/-":
        before, found, _ = name.partition(separator)
        if found:
            return before or UNKNOWN
    return UNKNOWN


def timeout_for_provider(provider: str | None) -> int:
    """Return how many seconds a provider is given to answer."""
    return _TIMEOUTS.get(provider or "", DEFAULT_TIMEOUT)


def provider_of(session: Session) -> str:
    """Return the provider that serves a session.

    Its own ``provider`` field wins, except ``managed:*``, which names the proxy's own
    account rather than a provider.
    """
    own = session.provider
    if own and not own.startswith("managed:"):
        return own
    return extract_provider(session.model)


class ProxyConfigCache:
    """Least-recently-used cache of proxy configs, one entry a session.

    Sessions with the same model and provider share one routing part, which lives as long
    as one of them is cached. The session named as current is never evicted.
    """

    def __init__(self, capacity: int) -> None:
        """Keep at most ``capacity`` entries."""
        self._capacity = capacity
        self._entries: OrderedDict[str, ProxyConfig] = OrderedDict()
        self._routings: WeakValueDictionary[tuple[str | None, str], Routing]
        self._routings = WeakValueDictionary()

    def build(self, session: Session) -> ProxyConfig:
        """Make a session's config, without caching it."""
        provider = provider_of(session)
        routing = self._routings.get((session.model, provider))
        if routing is None:
            routing = Routing(session.model, provider, timeout_for_provider(provider))
            self._routings[session.model, provider] = routing
        return ProxyConfig(session.id, routing)

    def put(self, config: ProxyConfig, current: object) -> None:
        """Keep a config as the one used last."""
        key = id_key(config.session_id)
        self._entries[key] = config
        self._entries.move_to_end(key)
        self.trim(self._capacity, current)

    def get(self, session_id: object) -> ProxyConfig | None:
        """Return a session's config, or None; it then counts as used last."""
        key = id_key(session_id)
        config = self._entries.get(key)
        if config is not None:
            self._entries.move_to_end(key)
        return config

    def trim(self, capacity: int, current: object) -> None:
        """Drop the entries unused for longest until ``capacity`` are left."""
        keep = id_key(current)
        for key in list(self._entries):
            if len(self._entries) <= max(capacity, 0):
                break
            if key != keep:
                del self._entries[key]

    def snapshot(self) -> Mapping[str, ProxyConfig]:
        """Return a copy, oldest use first."""
        return dict(self._entries)

    def __len__(self) -> int:
        """Return how many configs are cached."""
        return len(self._entries)
