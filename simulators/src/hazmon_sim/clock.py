"""The only reader of time here. Everything else takes `now`: Unix seconds, UTC."""

from __future__ import annotations

import time
from collections.abc import Callable

Now = Callable[[], float]


def now() -> float:
    """Unix seconds."""
    return time.time()
