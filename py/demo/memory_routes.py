"""Routes of the memory panel."""

from __future__ import annotations

import zlib
from typing import Any

from sessions.ports import Clock

from .clocks import local_iso
from .http_answers import Call, Endpoint, Refused, text_answer, text_field
from .store import DemoStore
from .texts import MEMORIES

_CHARACTERS_PER_TOKEN = 4
_ACCESS_COUNTS = (15, 12, 10, 8, 6)

_SERVERS = (
    ("qdrant-mcp", "qdrant", "http://127.0.0.1:6333", None, "phase3"),
    ("context-compression-mcp", "context-compression", "http://localhost:8001", None, "phase3"),
    ("shrimp-task-manager", "task-manager", "stdio", 3.4, "phase4"),
    ("sequential-thinking", "reasoning", "stdio", 1.9, "phase4"),
)
"""Memory servers: name, type, address, latency in ms (None: not connected), and phase."""


class MemoryRoutes:
    """Answers for the memories of a store's sessions."""

    def __init__(self, store: DemoStore, clock: Clock) -> None:
        """Serve ``store``."""
        self._store = store
        self._clock = clock
        self._began = clock.now()
        self._stored: list[int] = []

    def endpoints(self) -> list[Endpoint]:
        """Return the routes."""
        return [
            Endpoint("GET", "/api/memory/stats/advanced", self._stats),
            Endpoint("GET", "/api/memory/frequent", self._frequent),
            Endpoint("GET", "/api/memory/servers", self._phase3),
            Endpoint("GET", "/api/memory/all-servers", self._all_servers),
            Endpoint("POST", "/api/memory/store", self._keep),
            Endpoint("POST", "/api/memory/compress", self._fail),
            Endpoint("POST", "/api/memory/similarity", self._fail),
        ]

    def _stats(self, _: Call) -> Any:
        uses = [session.memory for session in self._store.sessions.values()]
        ratios = [use.ratio for use in uses if use.memory]
        memory, chat = sum(use.memory for use in uses), sum(use.chat for use in uses)
        known = [len(text) // _CHARACTERS_PER_TOKEN for _, _, text in MEMORIES]
        total = len(known) + len(self._stored)
        return {
            "basic_stats": {
                "total_memory_tokens": memory,
                "total_chat_tokens": chat,
                "total_tokens": memory + chat,
                "global_memory_ratio": round(memory / max(1, memory + chat) * 100, 2),
                "average_session_ratio": round(sum(ratios) / max(1, len(ratios)), 2),
                "sessions_with_memory": len(ratios),
            },
            "advanced_stats": {
                "total_memories": total,
                "frequent_memories": len(known),
                "episodic_memories": len(self._stored),
                "semantic_memories": 0,
                "total_tokens": sum(known) + sum(self._stored),
                "average_access_count": round(sum(_ACCESS_COUNTS) / total, 2),
                "qdrant_connected": False,
            },
            "servers": self._server_rows(),
            "features": {
                "qdrant_available": False,
                "compression_available": False,
                "semantic_search": False,
                "advanced_compression": False,
            },
        }

    def _frequent(self, call: Call) -> Any:
        fewest = call.query_number("min_access_count", 3)
        limit = max(0, call.query_number("limit", 10))
        began = local_iso(self._began, self._clock)
        rows = [
            {
                "id": f"mem_{number:03}",
                "title": title,
                "content": text,
                "content_preview": f"{text[:50]}...",
                "type": kind,
                "tokens": len(text) // _CHARACTERS_PER_TOKEN,
                "created_at": began,
                "access_count": count,
                "last_accessed": began,
            }
            for number, ((title, kind, text), count) in enumerate(
                zip(MEMORIES, _ACCESS_COUNTS, strict=True), start=1
            )
            if count >= fewest
        ]
        return rows[:limit]

    def _phase3(self, _: Call) -> Any:
        rows = self._server_rows("phase3")
        return {
            "servers": rows,
            "all_connected": all(row["connected"] for row in rows),
            "timestamp": self._now(),
        }

    def _all_servers(self, _: Call) -> Any:
        rows = self._server_rows()
        connected = [row for row in rows if row["connected"]]
        return {
            "all": rows,
            "phase3": self._server_rows("phase3"),
            "phase4": self._server_rows("phase4"),
            "all_connected": len(connected) == len(rows),
            "connected_count": len(connected),
            "total_count": len(rows),
            "timestamp": self._now(),
        }

    def _keep(self, call: Call) -> Any:
        session_id = call.query_number("session_id")
        fields = call.fields()
        content = text_field(fields, "content")
        kind = text_field(fields, "memory_type", "episodic")
        if session_id not in self._store.sessions:
            raise Refused(404, {"error": "Session non trouvée", "session_id": session_id})
        tokens = -(-len(content) // _CHARACTERS_PER_TOKEN)
        self._stored.append(tokens)
        return {
            "success": True,
            "memory_id": len(self._stored),
            "memory_type": kind,
            "content_hash": f"{zlib.crc32(content.encode(errors='replace')):016x}",
            "token_count": tokens,
            "embedding_id": None,
            "created_at": self._now(),
        }

    def _fail(self, _: Call) -> Any:
        """Fail as every known version does while its memory servers are not connected."""
        return text_answer("Internal Server Error", "text/plain", 500)

    def _server_rows(self, phase: str | None = None) -> list[dict[str, Any]]:
        return [
            {
                "name": name,
                "type": kind,
                "url": url,
                "connected": latency is not None,
                "last_check": self._now(),
                "latency_ms": latency or 0.0,
                "error_count": 0 if latency else 1,
                "capabilities": [],
                "phase": of_phase,
            }
            for name, kind, url, latency, of_phase in _SERVERS
            if phase in (None, of_phase)
        ]

    def _now(self) -> str:
        return local_iso(self._clock.now(), self._clock)
