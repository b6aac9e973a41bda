"""Which numbers of a sequence have been seen: runs without holes, so that millions of them take a few integers."""

from __future__ import annotations

from bisect import bisect_right


class SeqSet:
    """A set of integers that mostly arrive in order."""

    def __init__(self) -> None:
        self._first: list[int] = []
        self._last: list[int] = []

    def __contains__(self, number: int) -> bool:
        run = bisect_right(self._first, number) - 1
        return run >= 0 and number <= self._last[run]

    @property
    def runs(self) -> list[tuple[int, int]]:
        """First and last of every run."""
        return list(zip(self._first, self._last, strict=True))

    def add(self, number: int) -> None:
        """Put a number in; it joins the runs it touches."""
        run = bisect_right(self._first, number) - 1
        if run >= 0 and number <= self._last[run]:
            return
        joins_before = run >= 0 and self._last[run] == number - 1
        joins_after = run + 1 < len(self._first) and self._first[run + 1] == number + 1
        if joins_before and joins_after:
            self._last[run] = self._last.pop(run + 1)
            del self._first[run + 1]
        elif joins_before:
            self._last[run] = number
        elif joins_after:
            self._first[run + 1] = number
        else:
            self._first.insert(run + 1, number)
            self._last.insert(run + 1, number)
