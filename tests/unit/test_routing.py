"""Which provider serves a model, and the bounded cache of proxy configs."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.models import ProxyConfig, Routing, Session, to_plain
from sessions.routing import (
    ProxyConfigCache,
    extract_provider,
    provider_of,
    timeout_for_provider,
)


def session(session_id: int | str, model: str | None = "m", **fields: Any) -> Session:
    return Session.from_wire({"id": session_id, "model": model, **fields})


@pytest.mark.parametrize(
    ("model", "provider"),
    [
        ("kimi-k2.5", "nvidia"),
        ("KIMI-for-coding", "nvidia"),
        ("kimi-code/kimi-for-coding", "nvidia"),
        ("gpt-4o", "openai"),
        ("GPT4", "openai"),
        ("claude-sonnet-4", "anthropic"),
        ("Mistral-Large", "mistral"),
        ("llama-3.3-70b", "meta"),
        ("gemini-2.5-pro", "google"),
        ("nvidia/kimi-k2-thinking", "nvidia"),
        ("OpenRouter/gpt-4o", "openrouter"),
        ("a-b/c-d", "a-b"),
        ("a/b/c", "a"),
        ("DeepSeek-V3", "deepseek"),
        ("qwen-max-latest", "qwen"),
        ("my-kimi", "my"),
        ("unheardof", "unknown"),
        ("-x", "unknown"),
        ("/x", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_provider_is_guessed_from_the_model(model: str | None, provider: str) -> None:
    assert extract_provider(model) == provider


@given(st.text(max_size=20))
def test_any_model_has_a_provider_in_lower_case(model: str) -> None:
    provider = extract_provider(model)
    assert provider
    assert provider == provider.lower()


@pytest.mark.parametrize(
    ("provider", "seconds"),
    [
        ("nvidia", 30),
        ("openai", 60),
        ("anthropic", 120),
        ("mistral", 45),
        ("google", 60),
        ("meta", 90),
        ("deepseek", 30),
        ("unknown", 30),
        ("", 30),
        (None, 30),
    ],
)
def test_timeout_of_each_provider(provider: str | None, seconds: int) -> None:
    assert timeout_for_provider(provider) == seconds


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ("nvidia", "nvidia"),
        ("siliconflow", "siliconflow"),
        ("managed:kimi-code", "openai"),
        ("managed:", "openai"),
        ("", "openai"),
        (None, "openai"),
    ],
)
def test_the_sessions_own_provider_wins_unless_it_is_managed(
    own: str | None, expected: str
) -> None:
    assert provider_of(session(1, "gpt-4o", provider=own)) == expected


def test_a_config_names_model_provider_timeout_and_session_and_nothing_else() -> None:
    config = ProxyConfigCache(3).build(session(3, "claude-4", api_key="secret"))
    assert to_plain(config) == {
        "model": "claude-4",
        "provider": "anthropic",
        "timeout": 120,
        "session_id": 3,
    }


def test_sessions_with_the_same_model_and_provider_share_one_routing_part() -> None:
    cache = ProxyConfigCache(5)
    one, two = cache.build(session(1, "gpt-4o")), cache.build(session("2", "gpt-4o"))
    assert one.routing is two.routing
    assert cache.build(session(3, "gpt-4o", provider="azure")).routing is not one.routing
    assert cache.build(session(4, "gpt-5")).routing is not one.routing
    assert cache.build(session(5, None)).routing.provider == "unknown"


def test_a_routing_part_goes_with_its_last_session() -> None:
    cache = ProxyConfigCache(1)
    config = cache.build(session(1, "gpt-4o"))
    cache.put(config, None)
    routing = weakref.ref(config.routing)
    del config
    gc.collect()
    assert routing() is not None
    cache.put(cache.build(session(2, "kimi")), None)
    gc.collect()
    assert routing() is None


def test_reading_a_config_makes_it_the_one_used_last() -> None:
    cache = ProxyConfigCache(2)
    for session_id in (1, 2):
        cache.put(cache.build(session(session_id)), session_id)
    assert cache.get("1") is cache.get(1) is not None
    cache.put(cache.build(session(3)), 3)
    assert list(cache.snapshot()) == ["1", "3"]
    assert cache.get(2) is None


def test_cleaning_up_to_nothing_leaves_the_current_session() -> None:
    cache = ProxyConfigCache(5)
    for session_id in (1, 2, 3):
        cache.put(cache.build(session(session_id)), 1)
    cache.trim(0, "1")
    assert list(cache.snapshot()) == ["1"]
    cache.trim(-1, None)
    assert len(cache) == 0


def test_the_snapshot_is_a_copy() -> None:
    cache = ProxyConfigCache(5)
    cache.put(cache.build(session(1)), 1)
    snapshot = cache.snapshot()
    cache.put(cache.build(session(2)), 2)
    assert list(snapshot) == ["1"]


IDS = st.integers(1, 6)
CACHE_CALLS = st.one_of(
    st.tuples(st.just("put"), IDS, IDS),
    st.tuples(st.just("get"), IDS),
    st.tuples(st.just("trim"), st.integers(0, 4), IDS),
)


@given(st.integers(1, 4), st.lists(CACHE_CALLS, max_size=30))
def test_the_cache_is_a_bounded_lru_that_keeps_the_current_session(
    capacity: int, calls: list[tuple[Any, ...]]
) -> None:
    cache = ProxyConfigCache(capacity)
    kept: list[int] = []  # the one used last at the end

    def evict(limit: int, current: int) -> None:
        while len(kept) > limit and kept != [current]:
            kept.remove(next(i for i in kept if i != current))

    for name, *args in calls:
        if name == "put":
            session_id, current = args
            cache.put(ProxyConfig(session_id, Routing("m", "p", 30)), str(current))
            if session_id in kept:
                kept.remove(session_id)
            kept.append(session_id)
            evict(capacity, current)
        elif name == "get":
            found = cache.get(args[0])
            assert (found is not None) == (args[0] in kept)
            if found is not None:
                assert found.session_id == args[0]
                kept.remove(args[0])
                kept.append(args[0])
        else:
            cache.trim(*args)
            evict(*args)
        assert list(cache.snapshot()) == [str(i) for i in kept]
