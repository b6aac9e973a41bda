"""The files that make up the project, read once for the house's lints."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("src/hazmon", "edge/src")
FOLDERS = ("src", "edge", "simulators", "deploy", "tests", "config", ".ci")
GENERATED = {"node_modules", "static", "fonts", "__pycache__", ".vite", "dist", "build"}


def files(*folders: str, suffixes: tuple[str, ...] = (".py",)) -> Iterator[Path]:
    """Every file below `folders` that a person wrote; an empty suffix means any."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if (
                path.is_file()
                and path.name.endswith(suffixes)
                and not GENERATED & set(path.parts)
                and ".egg-info" not in str(path)
            ):
                yield path


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def nodes(*folders: str) -> Iterator[tuple[str, ast.AST]]:
    """(`file:line`, node) of every statement, expression and except clause below `folders`."""
    for path in files(*folders):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.stmt | ast.expr | ast.excepthandler):
                yield f"{name(path)}:{node.lineno}", node
