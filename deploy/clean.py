"""Remove what `make` built. What the park recorded goes only with --data, after saying what it is and asking."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from embedded import running_mosquitto, running_postgres
from embedded.accounts import remove

ROOT = Path(__file__).resolve().parents[1]
BUILT = (
    ".venv",
    ".pytest_cache",
    ".ruff_cache",
    ".hypothesis",
    ".import_linter_cache",
    "src/hazmon/web/static",
    "src/hazmon/exports/fonts",
)


def main() -> int:
    home = Path(os.environ.get("HAZMON_HOME", ROOT / ".hazmon")).absolute()
    if running_postgres(home / "postgres") or running_mosquitto(home / "mosquitto"):
        print(f"✗ 园区正在 {home} 上运行：先停止它。 The park runs on {home}: stop it first.")
        return 1
    for name in BUILT:
        shutil.rmtree(ROOT / name, ignore_errors=True)
    for folder in [*ROOT.glob("*/**/__pycache__"), *ROOT.glob("*/src/*.egg-info")]:
        shutil.rmtree(folder, ignore_errors=True)
    for place in (home / "cache").glob("*"):
        remove(place) if place.is_dir() else place.unlink()
    recorded = [path for path in sorted(home.glob("*")) if path.name != "cache"]
    if "--data" not in sys.argv[1:]:
        print("已清除构建产物 · removed what was built: .venv, caches, the page's bundle, fetched programs")
        if recorded:
            print(f"保留记录数据 · kept what was recorded: {home} ({', '.join(path.name for path in recorded)}); make clean-data")
        return 0
    print(f"将删除全部记录数据 · this deletes everything recorded in {home}: {', '.join(path.name for path in recorded) or '-'}")
    if recorded and input("输入 yes 确认 · type yes to go on: ").strip() != "yes":
        print("未删除 · nothing was deleted")
        return 1
    for path in recorded:
        remove(path) if path.is_dir() else path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
