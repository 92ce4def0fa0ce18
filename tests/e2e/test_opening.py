"""Opening the page, and opening it again."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.e2e.conftest import Visit
from tests.e2e.dashboard import call
from tests.e2e.figures import MODEL, PROVIDER, WINDOW, metrics_of
from tests.proxy import ProxyServer

SEED = {
    "name": "Refactoring the parser",
    "provider": PROVIDER,
    "model": MODEL,
    "metrics": [
        {"prompt_tokens": 1200, "completion_tokens": 310, "timestamp": "2026-11-22 06:39:03"},
        {"prompt_tokens": 5321, "completion_tokens": 77, "timestamp": "2026-11-22 06:40:00"},
        {"prompt_tokens": 9000, "only_estimate": True, "timestamp": "2026-11-22 06:41:00"},
        {
            "prompt_tokens": 6004, "completion_tokens": 2001, "memory_tokens": 250,
            "chat_tokens": 750, "preview": "The newest", "timestamp": "2026-11-22 06:42:09",
        },
    ],
}  # fmt: skip


def test_a_visitor_sees_the_right_numbers(proxy: ProxyServer, visit: Visit, dialect: str) -> None:
    proxy.control("reset", dialect=dialect, seed_sessions=[SEED])
    desk = visit(proxy).connected()

    desk.agrees()
    desk.shows(requests=4, percentage=12.5)
    expect(desk["ws-status-text"]).to_have_text("Connected")
    expect(desk["session-name"]).to_have_text("Refactoring the parser")
    expect(desk["session-provider"]).to_have_text(f"{PROVIDER} · {MODEL}")
    expect(desk["session-badge"]).to_have_text("Active")
    expect(desk["source-badge"]).to_have_text("proxy")
    expect(desk.page).to_have_title("12.5% · Refactoring the parser — Kimi Proxy")
    expect(desk["remaining-tokens"]).to_have_text(f"{WINDOW - 8005:,}")

    rows = metrics_of(proxy.state())
    desk.eventually(lambda: [row["id"] for row in desk.feed()], [row["id"] for row in rows])
    feed = desk.steady(desk.feed)
    assert [row["kind"] for row in feed] == ["real", "real", "estimated", "real"]
    assert feed[0]["time"] == "07:39:03"  # the proxy's UTC, in Paris
    assert feed[-1]["preview"] == "The newest"
    expect(desk["logs-container"].locator(".feed-row").last).to_be_in_viewport()

    expect(desk["memory-tokens"]).to_have_text("250")
    expect(desk["memory-chat-tokens"]).to_have_text("750")
    expect(desk["memory-ratio"]).to_have_text("25.0%")


def test_a_proxy_without_a_session_shows_dashes_until_there_is_one(
    proxy: ProxyServer, visit: Visit
) -> None:
    # An activation that fails leaves the proxy without an active session.
    call(proxy, "POST", "/api/sessions/999/activate")
    desk = visit(proxy).connected()

    expect(desk["session-name"]).to_have_text("No session")
    desk.eventually(lambda: set(desk.figures().values()), {"—"})
    expect(desk["export-csv"]).to_be_disabled()

    desk.work_in("The first one")


def test_after_a_reload_numbers_language_and_theme_are_the_same(
    proxy: ProxyServer, visit: Visit
) -> None:
    proxy.control("reset", seed_sessions=[SEED])
    desk = visit(proxy).connected()
    desk["language-fr"].click()
    desk["theme-toggle"].click()  # the system asks for dark
    desk.agrees()
    desk.eventually(lambda: len(desk.feed()), len(SEED["metrics"]))
    before, rows = desk.steady(desk.figures), desk.steady(desk.feed)

    desk.reload().connected()

    desk.eventually(desk.figures, before)
    desk.eventually(desk.feed, rows)
    expect(desk["root"]).to_have_attribute("lang", "fr")
    expect(desk["root"]).to_have_attribute("data-theme", "light")
    expect(desk["ws-status-text"]).to_have_text("Connecté")


def test_a_french_browser_is_greeted_in_french(proxy: ProxyServer, visit: Visit) -> None:
    proxy.control("reset", seed_sessions=[SEED])
    desk = visit(proxy, locale="fr-FR").connected()

    expect(desk["root"]).to_have_attribute("lang", "fr")
    expect(desk["context-title"]).to_have_text("Fenêtre de contexte")
    expect(desk["feed-title"]).to_have_text("Flux en direct")
    expect(desk["session-search"]).to_have_attribute(
        "placeholder", "Chercher par nom, fournisseur ou modèle"
    )
    desk.agrees()
    desk.eventually(lambda: desk.text("current-tokens"), "8\u202f005")
    percentage = re.compile(r"12,5[\u00a0\u202f]%")
    desk.eventually(lambda: bool(percentage.fullmatch(desk.text("percentage-text"))), True)

    desk["language-en"].click()
    expect(desk["root"]).to_have_attribute("lang", "en")
    expect(desk["context-title"]).to_have_text("Context window")
    expect(desk["current-tokens"]).to_have_text("8,005")
