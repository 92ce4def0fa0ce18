"""Python waits for a promise of JavaScript in one way only: through ``browser.promises``."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PY = Path(__file__).parents[2] / "py"
JOINTS = [*sorted((PY / "browser").glob("*.py")), PY / "dropin" / "host.py"]
WAITERS = {"ensure_future", "gather", "shield", "wait", "wait_for", "as_completed"}
"""What asyncio has for waiting for what it is given."""


def python_functions(tree: ast.Module) -> set[str]:
    """Return the names of what a module defines, or imports from Python modules by name."""
    names = {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names.update(alias.asname or alias.name for alias in node.names)
    return names


def is_of_python(awaited: ast.expr, own: set[str], futures: set[str]) -> bool:
    """Tell whether an expression is surely something of Python's."""
    if isinstance(awaited, ast.Name):
        return awaited.id in futures
    if not isinstance(awaited, ast.Call):
        return False
    match awaited.func:
        case ast.Name(name):
            return name in own
        case ast.Attribute(ast.Name("self"), name):
            return name in own
        case ast.Attribute(ast.Name("asyncio"), name):
            return name not in WAITERS
    return False


def futures_of(function: ast.AST) -> set[str]:
    """Return the names that a function gives to futures it makes."""
    return {
        target.id
        for node in ast.walk(function)
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Attribute)
        and node.value.func.attr == "create_future"
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def other_waits(text: str) -> list[str]:
    """Return what a module waits for that may be a promise of JavaScript."""
    tree = ast.parse(text)
    own, futures = python_functions(tree), futures_of(tree)
    found = [
        ast.unparse(node)
        for node in ast.walk(tree)
        if (isinstance(node, ast.Await) and not is_of_python(node.value, own, futures))
        or (isinstance(node, ast.AsyncFor))
        or (isinstance(node, ast.Attribute) and node.attr in {"then", *WAITERS})
    ]
    return found


@pytest.mark.parametrize("module", JOINTS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_promises_are_awaited_in_one_way(module: Path) -> None:
    allowed = ["await js.Promise.allSettled(to_js([None]).map(function))"]
    waits = other_waits(module.read_text("utf-8"))
    assert waits == (allowed if module.name == "promises.py" else [])


@pytest.mark.parametrize(
    "code",
    [
        "await js.fetch(address)",
        "await answer.text()",
        "await self._module.loadChart(name)",
        "await promise",
        "promise.then(done)",
        "asyncio.ensure_future(js.fetch(address))",
        "await asyncio.wait_for(promise, 3)",
    ],
)
def test_any_other_way_is_noticed(code: str) -> None:
    function = f"async def work(self, answer, promise):\n    {code}"
    assert other_waits(function) != []


def test_waiting_for_python_is_none_of_them() -> None:
    code = """
from browser.promises import settled
class Thing:
    async def work(self):
        answer = self.loop.create_future()
        await asyncio.sleep(1)
        await self.work()
        await settled(js, "fetch", self.address)
        return await answer
"""
    assert other_waits(code) == []
