"""Build hook: the page is built where hazmon is installed, with the Node that a PyPI wheel carries.

A host needs Python only. When `static/` already holds the bundle of the present sources (a release sdist, a second
install) nothing is asked for, downloaded or run. `HAZMON_UI=skip` installs the API without the page.
"""

import importlib.util
import os
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PageBuildHook(BuildHookInterface):
    """Sees to it that src/hazmon/web/static holds the page before files are collected."""

    PLUGIN_NAME = "custom"

    @cached_property
    def bundle(self) -> ModuleType:
        """src/hazmon/web/bundle.py, loaded by its path: hazmon itself cannot be imported yet."""
        path = Path(self.root) / "src" / "hazmon" / "web" / "bundle.py"
        spec = importlib.util.spec_from_file_location("hazmon_page_bundle", path)
        if spec is None or spec.loader is None:
            raise SystemExit(f"{path} is missing")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def needed(self) -> bool:
        """Whether the page has to be built now."""
        return os.environ.get("HAZMON_UI") != "skip" and not self.bundle.is_current()

    def dependencies(self) -> list[str]:
        """Node, only for a build that will use it."""
        return [self.bundle.NODE_REQUIREMENT] if self.needed() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the page, or stop the installation: a service without its page must not be installed silently."""
        if not self.needed():
            return
        self.app.display_info("building the page ...")
        try:
            self.bundle.build()
        except self.bundle.BundleError as error:
            raise SystemExit(f"hazmon's page was not built: {error}") from error
