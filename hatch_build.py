"""Build hook: where hazmon is installed, the page is built and the reports' typeface fetched, with the Node of a PyPI wheel.

A host needs Python only. When `web/static/` already holds the bundle of the present sources and `exports/fonts/` the fonts (a
release sdist, a second install) nothing is asked for, downloaded or run. `HAZMON_UI=skip` installs the API without the page
and without PDF reports.
"""

import importlib.util
import os
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PageBuildHook(BuildHookInterface):
    """Sees to it that src/hazmon/web/static and src/hazmon/exports/fonts are there before files are collected."""

    PLUGIN_NAME = "custom"

    @cached_property
    def bundle(self) -> ModuleType:
        """src/hazmon/web/bundle.py: the page."""
        return self.load("web/bundle.py")

    @cached_property
    def typeface(self) -> ModuleType:
        """src/hazmon/exports/typeface.py: the fonts."""
        return self.load("exports/typeface.py")

    def load(self, name: str) -> ModuleType:
        """A module of ours, loaded by its path: hazmon itself cannot be imported yet."""
        path = Path(self.root) / "src" / "hazmon" / name
        spec = importlib.util.spec_from_file_location(f"hazmon_build_{path.stem}", path)
        if spec is None or spec.loader is None:
            raise SystemExit(f"{path} is missing")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    def needed(self) -> list[ModuleType]:
        """What has to be built now."""
        if os.environ.get("HAZMON_UI") == "skip":
            return []
        return [module for module in (self.bundle, self.typeface) if not module.is_current()]

    def dependencies(self) -> list[str]:
        """Node, only for a build that will use it."""
        return [self.bundle.NODE_REQUIREMENT] if self.needed() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build what is needed, or stop the installation: a service without its page must not be installed silently."""
        needed = self.needed()
        try:
            if self.typeface in needed:
                self.app.display_info("fetching the reports' typeface (57 MB) ...")
                self.typeface.collect(self.bundle.install)
            if self.bundle in needed:
                self.app.display_info("building the page ...")
                self.bundle.build()
        except self.bundle.BundleError as error:
            raise SystemExit(f"hazmon's page or typeface was not built: {error}") from error
