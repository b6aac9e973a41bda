"""The enterprise's and the park's desk: exemptions filed, decided and withdrawn when the script says so."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

from hazmon_sim.history.ledger import MINUTE_US, Ledger
from hazmon_sim.history.script import Filing
from hazmon_sim.history.sending import Link, ParkError

_ENTERPRISE = {"by": "企业安全员", "role": "enterprise"}
_PARK = {"by": "园区值班长", "role": "shift_leader"}


@dataclass(slots=True)
class _Filed:
    filing: Filing
    id: int | str | None = None
    approved: bool = False
    decided: int | None = None
    withdrawn: int | None = None


class Desk:
    """`act` at the beginning of every minute, before its batches; `record` at the end."""

    def __init__(self, filings: list[Filing], link: Link, from_us: int, minutes: int) -> None:
        self._link = link
        self._from_us = from_us
        self._filed = [_Filed(filing) for filing in filings if filing.filed < minutes]
        self._due: list[tuple[int, int, str]] = []  # minute, which filing, what
        for at, found in enumerate(self._filed):
            filing = found.filing
            self._due.append((filing.filed, at, "file"))
            if filing.decision != "none":
                self._due.append((filing.decided, at, filing.decision))
            if filing.withdrawn is not None:
                self._due.append((filing.withdrawn, at, "withdraw"))
        self._due = sorted((due for due in self._due if due[0] < minutes), key=itemgetter(0))[::-1]  # the next is the last

    @property
    def count(self) -> int:
        """How many were filed."""
        return sum(each.id is not None for each in self._filed)

    async def act(self, minute: int) -> None:
        """What is due by this minute. Raises ParkError when the park does not take it."""
        while self._due and self._due[-1][0] <= minute:
            _, at, what = self._due.pop()
            now_us = self._from_us + minute * MINUTE_US
            if what == "file":
                await self._file(self._filed[at], now_us)
            else:
                await self._move(self._filed[at], what, minute, now_us)

    def record(self, ledger: Ledger) -> None:
        """Write what was filed and what became of it."""
        for each in self._filed:
            if each.id is None:
                continue
            filing = each.filing
            ledger.write(
                "exemption",
                id=each.id,
                target=filing.target,
                whole_source=filing.whole_source,
                reason=filing.reason,
                start_us=self._us(filing.start),
                until_us=self._us(filing.until),
                filed_us=self._us(filing.filed),
                approved=each.approved,
                decided_us=None if each.decided is None else self._us(each.decided),
                withdrawn_us=None if each.withdrawn is None else self._us(each.withdrawn),
            )

    async def _file(self, found: _Filed, now_us: int) -> None:
        filing = found.filing
        body: dict[str, Any] = {
            "source" if filing.whole_source else "unit": filing.target,
            "kind": filing.kind,
            "reason": filing.reason,
            "from": _iso(self._us(filing.start)),
            "until": _iso(self._us(filing.until)),
            **_ENTERPRISE,
        }
        answer = await self._link.json("POST", "/api/v1/exemptions", now_us, body)
        if not isinstance(answer, dict) or "id" not in answer:
            raise ParkError(f"POST /api/v1/exemptions for {filing.target}: an answer without id: {answer}")
        found.id = answer["id"]

    async def _move(self, found: _Filed, what: str, minute: int, now_us: int) -> None:
        who = _ENTERPRISE if what == "withdraw" else _PARK
        body = {**who, "reason": found.filing.reason}
        await self._link.json("POST", f"/api/v1/exemptions/{found.id}/{what}", now_us, body)
        if what == "withdraw":
            found.withdrawn = minute
        else:
            found.approved, found.decided = what == "approve", minute

    def _us(self, minute: int) -> int:
        return self._from_us + minute * MINUTE_US


def _iso(at_us: int) -> str:
    return datetime.fromtimestamp(at_us // 1_000_000, UTC).isoformat()
