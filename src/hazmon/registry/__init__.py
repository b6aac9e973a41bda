"""Configuration files -> model, or a ConfigError that holds everything that is wrong with them."""

from hazmon.registry.folder import config_digest, grade_sources, load

__all__ = ["config_digest", "grade_sources", "load"]
