"""A park on a real socket that reads with the boxes' own wire and accounts reading by reading, slot by slot, with dictionaries.

It shares no line with the simulator that sends to it: what both reckon alike, both reckon from the published definitions.
"""

from __future__ import annotations

import asyncio
import json
import tomllib
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from csv import DictReader
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from hazmon_edge import wire

SLOT = 60_000_000
FACTORS = ["connect", "online", "complete", "valid"]
CHINA = timezone(timedelta(hours=8))
OF_QUALITY = {0: 65, 1: 20, 2: 21, 3: 22, 4: 23, 5: 24, 6: 27, 7: 25, 8: 28, 128: 9, 129: 26}


@dataclass
class AuditingPark:
    """`config` as the simulator reads it. `faults` are what a test finds wrong with what was sent."""

    config: Path
    now: int = 0
    facts: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict[tuple[str, int], int](int))
    groups: dict[tuple[str, bytes], wire.Group] = field(default_factory=dict[tuple[str, bytes], wire.Group])
    seen: dict[tuple[str, int, int], wire.Batch] = field(default_factory=dict[tuple[str, int, int], wire.Batch])
    links: set[tuple[str, bytes]] = field(default_factory=set[tuple[str, bytes]])
    exemptions: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    duplicates: int = 0
    out_of_order: int = 0
    beats: int = 0
    largest: int = 0
    close_after: int = 0  # answers on one connection, 0 for ever
    refuse_at: int = 0  # the batch of that number is rejected
    busy_at: int = 0  # the request of that number is answered with 503
    cheat: int = 0  # covered slots that the answers have too many
    requests: int = 0
    tokens: dict[str, str] = field(default_factory=dict[str, str])
    lines: set[asyncio.Task[Any]] = field(default_factory=set[asyncio.Task[Any]])

    def __post_init__(self) -> None:
        self.limits: dict[str, tuple[float, float]] = {}
        self.points: dict[str, list[dict[str, str]]] = {}
        self.sources: list[dict[str, Any]] = []
        for folder in sorted(self.config.glob("E*")):
            self.points[folder.name] = list(DictReader((folder / "points.csv").read_text(encoding="utf-8").splitlines()))
            for row in self.points[folder.name]:
                low, high = float(row["range_low"]), float(row["range_high"])
                self.limits[f"{folder.name}/{row['tag']}"] = low - 0.0125 * (high - low), high + 0.03125 * (high - low)
            for source in tomllib.loads((folder / "enterprise.toml").read_text(encoding="utf-8"))["source"]:
                self.sources.append({**source, "edge": folder.name})
        self.terms = tomllib.loads((self.config / "coverage.toml").read_text(encoding="utf-8"))

    def take(self, edge: str, canonical: bytes) -> dict[str, Any]:
        batch = wire.decode(canonical)
        assert batch.edge == edge
        key = edge, batch.boot, batch.seq
        receipt = {"boot": str(batch.boot), "seq": str(batch.seq), "outcome": "accepted", "retry": False, "reason": None}
        if key in self.seen:
            self.duplicates += 1
            return receipt | {"outcome": "duplicate", "refused": []}
        if len(self.seen) + 1 == self.refuse_at:
            return receipt | {"outcome": "rejected", "reason": "seq-conflict", "refused": []}
        self.out_of_order += batch.seq > 1 and (edge, batch.boot, batch.seq - 1) not in self.seen
        self.seen[key] = batch
        self.links.add((edge, wire.link(wire.digest(canonical))))
        for group in batch.groups:
            self.groups[edge, group.digest] = group
        self.account(edge, batch)
        return receipt | {"refused": []}

    def account(self, edge: str, batch: wire.Batch) -> None:
        for packed in batch.blocks:
            group, block = self.groups[edge, packed.group], wire.unpack_block(packed)
            assert block.points == len(group.points)
            for row, time in enumerate(block.times_us):
                for column, tag in enumerate(group.points):
                    spot = row * block.points + column
                    quality = 0 if block.quality is None else block.quality[spot]
                    self.put(f"{edge}/{tag}", time, self.fact(f"{edge}/{tag}", block.values[spot], quality, self.now - time))
        for miss in batch.misses:
            group = self.groups[edge, miss.group]
            tags = group.points if miss.column == wire.WHOLE_GROUP else group.points[miss.column : miss.column + 1]
            for at in range(miss.count):
                for tag in tags:
                    self.put(f"{edge}/{tag}", miss.at_us + at * group.period_us, miss.cause)

    def put(self, point: str, time: int, fact: int) -> None:
        key = point, time // SLOT
        self.facts[key] = max(self.facts[key], fact)

    def fact(self, point: str, value: float, quality: int, age: int) -> int:
        if quality:
            return OF_QUALITY[quality]
        low, high = self.limits[point]
        if not low <= value <= high:
            return 27
        return 29 if age > 24 * 3600 * 1_000_000 else 64 if age > 60_000_000 else 65

    def chain_breaks(self) -> list[tuple[str, int, int]]:
        """Batches whose `previous` is the link to no batch: but for the first of each box there is none."""
        return [key for key, batch in self.seen.items() if (key[0], batch.previous) not in self.links]

    def coverage(self, start: int, end: int) -> list[dict[str, Any]]:
        """Rows by source and day; from the beginning of the month that `start` lies in, if the cap is to hold."""
        rows: list[dict[str, Any]] = []
        for source in self.sources:
            items = [
                (unit["id"], [f"{source['edge']}/{p['tag']}" for p in self.of(source, unit["id"], group)])
                for unit in source["unit"]
                for group in self.terms["unit"].get(unit["kind"], {"required": []})["required"]
            ]
            everything = [f"{source['edge']}/{p['tag']}" for p in self.points[source["edge"]] if p["source"] == source["id"]]
            months: dict[str, int] = defaultdict(int)
            for day in range(start, end, 86_400_000_000):
                lost: dict[str, int] = dict.fromkeys(FACTORS, 0)
                counts = {"slots": 1440, "covered": self.cheat, "prompt": 0, "excused": 0}
                for slot in range(day // SLOT, day // SLOT + 1440):
                    best = [max((self.facts.get((tag, slot), 0) for tag in tags), default=-1) for _, tags in items]
                    if all(fact >= 64 for fact in best):
                        counts["covered"] += 1
                        counts["prompt"] += all(fact == 65 for fact in best)
                        continue
                    silent = all(self.facts.get((tag, slot), 0) < 20 for tag in everything)
                    lost[min(self.factor(fact, silent) for fact in best if fact < 64)[1:]] += 1
                    units = {unit for (unit, _), fact in zip(items, best, strict=True) if fact < 64}
                    month = datetime.fromtimestamp(slot * 60, CHINA).strftime("%Y-%m")
                    if all(self.exempt(source, unit, slot * SLOT) for unit in units) and months[month] < self.cap(month):
                        months[month] += 1
                        counts["excused"] += 1
                rows.append({"of": source["id"], "from": _iso(day), "to": _iso(day + 86_400_000_000), **counts, "lost": lost})
        return rows

    def of(self, source: dict[str, Any], unit: str, group: str) -> list[dict[str, str]]:
        wanted = self.terms["group"][group]["quantities"]
        rows = self.points[source["edge"]]
        return [row for row in rows if row["source"] == source["id"] and row["unit"] == unit and row["quantity"] in wanted]

    def cap(self, month: str) -> int:
        first = datetime.strptime(month, "%Y-%m").replace(tzinfo=CHINA)
        return _days(first) * 72  # 5 % of 1440 a day

    def factor(self, fact: int, silent: bool) -> str:
        if fact == -1:
            return "1connect"
        if fact in (1, 2, 6, 7) or (fact == 0 and silent):
            return "2online"
        return "3complete" if fact in (0, 3, 4, 8, 9, 29) else "4valid"

    def exempt(self, source: dict[str, Any], unit: str, at: int) -> bool:
        targets = {source["id"], f"{source['edge']}/{unit}"}
        return any(
            each["target"] in targets and each["approved"] and each["begins"] <= at < each["ends"] for each in self.exemptions
        )

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        self.requests += 1
        if self.requests == self.busy_at:
            return 503, {"detail": "busy"}
        if "hazmon-simulated-now" in headers:
            self.now = max(self.now, int(headers["hazmon-simulated-now"]))
        path = urlsplit(target).path.removeprefix("/api/v1/")
        edge = self.tokens.get(headers.get("authorization", ""), "")
        if path == "batches":
            assert headers["content-type"] == "application/vnd.hazmon.batches"
            bodies = wire.unpack(body)
            self.largest = max(self.largest, len(bodies))
            return 200, {"receipts": [self.take(edge, canonical) for canonical in bodies], "server_time_us": self.now}
        if path == "heartbeats":
            assert json.loads(body)["edge"] == edge
            self.beats += 1
            return 200, {"server_time_us": self.now}
        if path == "coverage":
            query = parse_qs(urlsplit(target).query)
            assert (query["by"], query["step"]) == (["source"], ["day"])
            return 200, {"rows": self.coverage(_us(query["from"][0]), _us(query["to"][0]))}
        if path == "exemptions":
            return 201, self.file(json.loads(body))
        _, number, verb = path.split("/")
        found = self.exemptions[int(number) - 1]
        if verb == "withdraw":
            found["ends"] = min(found["ends"], self.now)
        else:
            found["approved"] = verb == "approve"
        return 200, {"id": int(number)}

    def file(self, body: dict[str, Any]) -> dict[str, Any]:
        assert body["kind"] in ("停用", "检修", "离线报备")
        start = _us(body["from"])
        begins = start if self.now <= start + 2 * 3600 * 1_000_000 else self.now
        target = body.get("unit") or body["source"]
        self.exemptions.append({"target": target, "approved": False, "begins": begins, "ends": _us(body["until"])})
        return {"id": len(self.exemptions)}

    @asynccontextmanager
    async def served(self) -> AsyncGenerator[str]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            await asyncio.gather(*self.lines, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers = 0
        task = asyncio.current_task()
        assert task
        self.lines.add(task)
        try:
            while answers == 0 or answers != self.close_after:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                method, target, _ = head[0].split(" ")
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                status, answer = self.answer(method, target, headers, body)
                data = json.dumps(answer).encode()
                writer.write(f"HTTP/1.1 {status} x\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)
                answers += 1
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


def _us(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp()) * 1_000_000


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at // 1_000_000, UTC).isoformat()


def _days(first: datetime) -> int:
    return ((first + timedelta(days=32)).replace(day=1) - first).days
