"""The box stands alone: what it imports it declares, and the park's part of it costs nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SOURCE = ROOT / "edge/src/hazmon_edge"
IMPORT_NAMES = {"paho-mqtt": "paho"}


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.partition(".")[0])
    return names


def test_everything_imported_is_declared_with_bounds() -> None:
    project = tomllib.loads((ROOT / "edge/pyproject.toml").read_text())["project"]
    assert project["dependencies"] == []
    declared: dict[str, str] = {}
    for requirement in project["optional-dependencies"]["agent"]:
        name = str(requirement).partition(">")[0]
        assert ">=" in requirement
        assert ",<" in requirement, f"{requirement} has no upper bound"
        declared[IMPORT_NAMES.get(name) or name] = requirement
    third_party = set[str]().union(*(imported(path) for path in SOURCE.rglob("*.py"))) - sys.stdlib_module_names - {"hazmon_edge"}
    assert third_party == set(declared) - {"tzdata"}


def test_the_box_never_imports_the_park() -> None:
    parts = "cli", "agent", "collectors.mqtt", "collectors.csv_drop"
    code = f"import sys, {', '.join(f'hazmon_edge.{part}' for part in parts)}; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"hazmon", "hazmon_sim", "numpy", "pydantic", "fastapi"} & set(modules)


def test_the_wire_alone_needs_the_standard_library_only() -> None:
    code = "import sys; before = set(sys.modules); import hazmon_edge.wire; print(*(set(sys.modules) - before))"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    tops = {module.partition(".")[0] for module in modules}
    assert tops <= sys.stdlib_module_names | {"hazmon_edge"}


def test_no_way_to_write_to_a_device() -> None:
    """Function codes 1 to 4: nothing of the library that writes is named anywhere in the box."""
    text = (SOURCE / "collectors/modbus.py").read_text()
    assert "Write" not in text
    for path in SOURCE.rglob("*.py"):
        assert not {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)} & {
            "write_coil",
            "write_coils",
            "write_register",
            "write_registers",
            "mask_write_register",
            "readwrite_registers",
        }
