"""Finds the handler of a request, and answers for it when there is none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sessions.ports import HttpAnswer

from .http_answers import Call, Endpoint, Refused, json_answer


class Router:
    """The demo's routes, tried in the order in which they are listed."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        """Serve ``endpoints``, and a description of them under ``/openapi.json``."""
        self._endpoints = [*endpoints, Endpoint("GET", "/openapi.json", self._describe)]

    def answer(self, method: str, target: str, body: str | None) -> HttpAnswer:
        """Answer a request for a path with an optional query."""
        path, _, query = target.partition("?")
        is_known = False
        for endpoint in self._endpoints:
            segments = _match(endpoint.path, path)
            if segments is None:
                continue
            if endpoint.method == method:
                return _handle(endpoint, Call(segments, _read_query(query), body))
            is_known = True
        if is_known:
            return json_answer({"detail": "Method Not Allowed"}, 405)
        return json_answer({"detail": "Not Found"}, 404)

    def _describe(self, _: Call) -> dict[str, Any]:
        paths: dict[str, dict[str, Any]] = {}
        for endpoint in self._endpoints:
            if endpoint.path != "/openapi.json":
                methods = paths.setdefault(endpoint.path, {})
                methods[endpoint.method.lower()] = {"responses": {"200": {"description": "OK"}}}
        info = {"title": "Kimi Proxy Dashboard (demo)", "version": "2026-03-08"}
        return {"openapi": "3.1.0", "info": info, "paths": paths}


def _handle(endpoint: Endpoint, call: Call) -> HttpAnswer:
    try:
        value = endpoint.handler(call)
    except Refused as refused:
        return refused.answer
    return value if isinstance(value, HttpAnswer) else json_answer(value)


def _match(template: str, path: str) -> list[str] | None:
    """Return the segments that fill a template's placeholders; None when it does not match."""
    wanted, given = template.split("/"), path.split("/")
    if len(wanted) != len(given):
        return None
    found = []
    for want, have in zip(wanted, given, strict=True):
        if want.startswith("{") and have:
            found.append(have)
        elif want != have:
            return None
    return found


def _read_query(query: str) -> dict[str, str]:
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    return {name: value for name, _, value in pairs}
