"""Finds where a test reads a page once instead of waiting for what it should become.

It goes by names: what Playwright and the helpers of `tests/` call their readers. Their answers may
be had inside what is handed to one of the waiting functions, and nowhere else; a function of the
test's own may read when it is only ever handed to them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

WAITING = {"eventually", "steady", "still"}
"""What may be handed something that reads."""

READERS = {
    # Playwright's
    "all_inner_texts", "all_text_contents", "bounding_box", "evaluate", "evaluate_all",
    "evaluate_handle", "get_attribute", "inner_html", "inner_text", "input_value", "is_checked",
    "is_disabled", "is_editable", "is_enabled", "is_hidden", "is_visible", "query_selector",
    "query_selector_all", "text_content",
    # the helpers'
    "feed", "figures", "heard", "listed", "previews", "storage", "told", "types",
}  # fmt: skip
BARE_READERS = {"all", "content", "count", "title"}
"""Readers when they are called without arguments: other things have such names, too."""
FILLED_READERS = {"number", "text"}
"""Readers when they are called with arguments."""
PROPERTIES = {
    ("page", "url"),
    ("page", "workers"),
    ("page", "frames"),
    ("watch", "under_way"),
    ("watch", "console"),
}
"""Whose property is a reading, and which."""
SERVER = {"requests", "state"}
"""What tells of a proxy. What a page has asked for may not have come yet, so this is not asserted
at once either."""
PAUSES = {"sleep", "wait_for_timeout"}
PAUSE_IN_SCRIPT = re.compile(r"setTimeout\([^;{}()]*,\s*\d")


@dataclass(frozen=True)
class Fault:
    """One place, and what is wrong there."""

    line: int
    what: str


def faults(source: str) -> list[Fault]:
    """Return what reads once or waits for a fixed time in a test's source."""
    return sorted(_Search(ast.parse(source)).faults(), key=lambda fault: fault.line)


class _Search:
    def __init__(self, tree: ast.Module) -> None:
        self._tree = tree
        self._parents = {
            child: parent for parent in ast.walk(tree) for child in ast.iter_child_nodes(parent)
        }
        self._readers = self._own_readers()

    def faults(self) -> Iterator[Fault]:
        for node in ast.walk(self._tree):
            pause = _pause(node)
            if pause:
                yield Fault(node.lineno, f"{pause} waits for a fixed time")
            reading = _reading(node)
            if reading and not self._is_awaited(node):
                yield Fault(node.lineno, f"{reading} is read once")
            if _asks_server(node) and self._is_asserted(node) and not self._is_awaited(node):
                yield Fault(node.lineno, "what the proxy has is asserted at once")

    def _own_readers(self) -> set[ast.AST]:
        """Functions of the test's own that are handed to waiting functions, or to nobody else."""
        functions = [node for node in ast.walk(self._tree) if isinstance(node, ast.FunctionDef)]
        readers: set[ast.AST] = set()
        self._readers = readers
        while found := [
            function
            for function in functions
            if function not in readers and self._is_reader(function)
        ]:
            readers.update(found)
        return readers

    def _is_reader(self, function: ast.FunctionDef) -> bool:
        is_method = isinstance(self._parents[function], ast.ClassDef)
        kind = ast.Attribute if is_method else ast.Name
        uses = [
            node
            for node in ast.walk(self._tree)
            if isinstance(node, kind) and _name(node) == function.name
        ]
        return bool(uses) and all(self._is_awaited(use) for use in uses)

    def _is_awaited(self, node: ast.AST) -> bool:
        """Whether a node is in something that a waiting function is handed, not in its result."""
        deferred = isinstance(node, ast.Attribute | ast.Name)
        for above in self._above(node):
            deferred = deferred or isinstance(above, ast.Lambda)
            if isinstance(above, ast.FunctionDef) and above in self._readers:
                return True
            if deferred and isinstance(above, ast.Call) and _name(above.func) in WAITING:
                return True
        return False

    def _is_asserted(self, node: ast.AST) -> bool:
        return any(isinstance(above, ast.Assert) for above in self._above(node))

    def _above(self, node: ast.AST) -> Iterator[ast.AST]:
        while node in self._parents:
            node = self._parents[node]
            yield node


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _reading(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute) and (_name(node.value), node.attr) in PROPERTIES:
        return f"{_name(node.value)}.{node.attr}"
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return ""
    name, filled = node.func.attr, bool(node.args or node.keywords)
    unfilled = name in BARE_READERS and not filled
    return name if name in READERS or unfilled or (name in FILLED_READERS and filled) else ""


def _asks_server(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and (
        isinstance(node.func, ast.Attribute) and node.func.attr in SERVER
    )


def _pause(node: ast.AST) -> str:
    if isinstance(node, ast.Call) and _name(node.func) in PAUSES:
        return _name(node.func)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return "setTimeout" if PAUSE_IN_SCRIPT.search(node.value) else ""
    return ""
