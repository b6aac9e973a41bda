"""A scenario file with its transcript written anew: the difference is what a reviewer reads."""

from __future__ import annotations

import re
from collections.abc import Sequence

_EXPECT = re.compile(r'^expect\s*=\s*"""\n.*?^"""', re.DOTALL | re.MULTILINE)


def rewritten(text: str, transcript: Sequence[str]) -> str:
    """The text of a scenario file with this transcript. Raises ValueError when it has no expect = three quotes."""
    times = [line.partition(" ")[0] for line in transcript]
    width = max((len(time) for time in times), default=0)
    lines = [f"{time:>{width}} {line.partition(' ')[2]}" for time, line in zip(times, transcript, strict=True)]
    block = "\n".join(['expect = """', *lines, '"""'])
    found, count = _EXPECT.subn(lambda _: block, text)
    if count != 1:
        raise ValueError('no block expect = """ ... """')
    return found
