"""The words by which devices and control systems say that a value is bad."""

from __future__ import annotations

_BAD = frozenset(
    word.casefold()
    for word in (
        "",
        "bad",
        "bad input",
        "i/o timeout",
        "io timeout",
        "no data",
        "not connect",
        "configure",
        "fault",
        "error",
        "n/a",
        "#n/a",
        "null",
        "none",
        "nan",
        "坏值",
        "坏点",
        "故障",
        "超时",
        "无效",
    )
)


def is_bad_word(text: str) -> bool:
    """Whether a cell or payload says "bad" instead of a number: a known word, or nothing but stars, dashes or question marks."""
    return text.casefold() in _BAD or not text.strip("*-?")
