"""A DCS that exports its trends: wide CSV in GB18030, a row each 10 s, a file a minute, written aside and renamed."""

from __future__ import annotations

import asyncio
import csv
import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hazmon_sim.clock import Now
from hazmon_sim.ledger import DcsRow, Ledger
from hazmon_sim.plant import Plant

KEEP_S = 24 * 3600.0  # the DCS removes its own files after as long
ENCODING = "gb18030"


class DcsExport:
    """The export of one site. `stopped` is how it fails: rows are lost, not late."""

    def __init__(self, plant: Plant, now: Now, ledger: Ledger, home: Path) -> None:
        self.plant = plant
        self.folder = home / "plant" / plant.dcs.folder
        self.stopped = False
        self._now = now
        self._ledger = ledger
        self._rows: list[tuple[int, str]] = []

    async def run(self) -> None:
        """Until cancelled. Rows stand at whole multiples of the row period, files at those of the file period."""
        row_s = self.plant.dcs.row_s
        due = (int(self._now()) // row_s + 1) * row_s
        while True:
            await asyncio.sleep(max(0.0, due - self._now()))
            self.take(due)
            due += row_s

    def take(self, due: int) -> None:
        """The row of `due`, Unix seconds; at the end of a file period also the file."""
        if not self.stopped:
            self._rows.append((due, self.row(due)))
        if due % self.plant.dcs.file_s == 0 and self._rows:
            self._write(due)

    def row(self, t: int) -> str:
        """The line at t, without its end; `Bad` where an instrument reports itself broken."""
        values = (instrument.text(t) or "Bad" for _, instrument in self.plant.columns)
        return _line(self._local(t).strftime(self.plant.dcs.time_format), *values)

    def header(self) -> str:
        """The line of the column names, without its end."""
        return _line(self.plant.dcs.time_header, *(header for header, _ in self.plant.columns))

    def _write(self, due: int) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / self._local(due).strftime(self.plant.dcs.file)
        aside = path.with_name(path.name + ".tmp")
        text = "\r\n".join((self.header(), *(row for _, row in self._rows), ""))
        aside.write_bytes(text.encode(ENCODING))
        aside.replace(path)
        for t, row in self._rows:
            self._ledger.write(DcsRow(t * 1_000_000, self.plant.site, path.name, row))
        self._rows.clear()
        for old in self.folder.glob("*" + path.suffix):
            if old.stat().st_mtime < due - KEEP_S:
                old.unlink(missing_ok=True)

    def _local(self, t: int) -> datetime:
        return datetime.fromtimestamp(t, UTC) + timedelta(hours=self.plant.utc_offset_h)


def _line(*cells: str) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells)
    return out.getvalue()
