"""Verifying a bundle: every check a plain sentence, and at the end what holds, and what was not proved. Offline and pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from hazmon.bundle import log_checks
from hazmon.bundle.container import digest, read_zip, unpack_leaves
from hazmon.bundle.evidence import Evidence
from hazmon.bundle.figures import Span, by_day, months_begin, settled, touched
from hazmon.bundle.finding import Finding, all_bad, bad, good
from hazmon.bundle.heads import Heads, Trust, in_order, linked, open_all, open_head, told, witnessed
from hazmon.bundle.log_checks import Leaves
from hazmon.bundle.manifest import (
    BATCHES,
    CONSISTENCY,
    FACTS,
    GROUPS,
    HASHES,
    HEAD,
    KEYS,
    KINDS,
    RANGE,
    STATEMENTS,
    Figures,
    Group,
    Manifest,
    RangeProof,
    Step,
    misfits,
    read_json,
    read_manifest,
)
from hazmon.bundle.pages import Grid, Key, merged, too_late
from hazmon.bundle.recompute import Reader, Unlike, recomputed, unlike
from hazmon.bundle.span import covered_at, sealed_until
from hazmon.clock import iso
from hazmon.coverage.facts import SLOT_US, Fact
from hazmon.errors import LedgerError
from hazmon.ledger.note import Verifier
from hazmon.model import MissCause

_FACTS = {int(each): each.name for kind in (MissCause, Fact) for each in kind}


@dataclass(slots=True)
class Verdict:
    """All findings, in the order of the checks."""

    findings: list[Finding]

    @property
    def holds(self) -> bool:
        """Nothing was found wrong."""
        return all(finding.holds is not False for finding in self.findings)

    def lines(self) -> list[str]:
        """The answer as text, the last line what it comes to."""
        open_points = [finding for finding in self.findings if finding.holds is None]
        wrong = sum(finding.holds is False for finding in self.findings)
        if wrong:
            last = f"✗ 不成立：{wrong} 处不符 · this bundle does not hold: {wrong} things are wrong"
        elif open_points:
            count = len(open_points)
            last = f"✓ 成立，但有 {count} 点未能证明（见上）· it holds; {count} things were not proved, see above"
        else:
            last = "✓ 全部成立 · it holds, all of it"
        return [*map(str, self.findings), last]


def verify(data: bytes, trust: Trust) -> Verdict:
    """Check a bundle. Raises LedgerError when the bytes are no bundle at all."""
    files = read_zip(data)
    return Verdict(list(_Checks(files, read_manifest(files), trust).run()))


@dataclass(slots=True)
class _Checks:
    """One bundle under examination."""

    files: Mapping[str, bytes]
    manifest: Manifest
    trust: Trust

    def run(self) -> Iterator[Finding]:
        """Each part by itself, so that one fault does not hide another."""
        yield from self._files()
        try:
            known = self._known_keys()
            trusted = self.trust.keys or known
            head = open_head(self._file(HEAD), trusted, self.manifest.origin, self.manifest.head)
        except LedgerError as error:
            yield bad("总检查点不成立", f"the head does not open: {error}")
            return
        yield good(f"总检查点签名成立（{head.size} 条）", f"the head opens: {told(head)}")
        evidence = Evidence()
        contents: dict[int, bytes] = {}
        faults = self._read(evidence, contents)
        if faults:
            yield from all_bad("证据无法读取", "evidence cannot be read", faults)
        findings: list[Finding] = []
        both = tuple(dict.fromkeys((*trusted, *known)))
        notes = {name: note for name, note in self.files.items() if name.startswith("checkpoint/") and name != HEAD}
        heads = Heads(open_all(notes, both, head, findings), head)
        yield from findings
        yield in_order(heads.checkpoints)
        yield from self._guarded(lambda: linked(heads.checkpoints, read_json(self.files, CONSISTENCY, list[Step])))
        final = self._final(evidence, head.time or 0)
        if self.trust.witness is not None:
            yield from witnessed(heads, self.trust.witness, both, final)
        yield from self._guarded(lambda: self._leaves(evidence, contents, heads))
        yield from self._guarded(lambda: self._coverage(evidence, heads))
        if self.manifest.contradictions:
            yield from all_bad(
                "园区数据表与记录不符", "the park's tables are not what its ledger says", self.manifest.contradictions
            )
        yield from self._unproved(evidence, final)

    def _files(self) -> Iterator[Finding]:
        digests = [(name, digest(data)) for name, data in sorted(self.files.items())]
        wrong = misfits(self.manifest, self.files, digests)
        if wrong:
            yield from all_bad(
                "文件与清单不符", "a file is not as the manifest says", [f"{name}: {what}" for name, what in wrong]
            )
        else:
            yield good(
                f"{len(self.manifest.files)} 个文件与清单相符", f"{len(self.manifest.files)} files are as the manifest says"
            )

    def _file(self, name: str) -> bytes:
        if name not in self.files:
            raise LedgerError(f"{name} is not in the bundle")
        return self.files[name]

    def _known_keys(self) -> tuple[Verifier, ...]:
        try:
            text = self._file(KEYS).decode("utf-8")
        except UnicodeDecodeError:
            raise LedgerError("keys.txt is no text") from None
        return tuple(Verifier.parse(line) for line in text.splitlines() if line.strip())

    def _read(self, evidence: Evidence, contents: dict[int, bytes]) -> list[str]:
        faults: list[str] = []
        for name in (STATEMENTS, FACTS, BATCHES):
            if name not in self.files:
                if name != BATCHES or self.manifest.batches:
                    faults.append(f"{name} is not in the bundle")
                continue
            try:
                for n, content in unpack_leaves(self.files[name], name):
                    if n in contents:
                        faults.append(f"{name} has leaf {n}, which another file has too")
                    contents[n] = content
            except LedgerError as error:
                faults.append(str(error))
        for n in sorted(contents):
            try:
                evidence.take(n, contents[n])
            except LedgerError as error:
                faults.append(str(error))
        return faults

    @staticmethod
    def _guarded(check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
        """What the check finds; what it cannot even read is a finding too."""
        try:
            yield from check()
        except LedgerError as error:
            yield bad("证据不全", f"cannot be checked: {error}")

    def _leaves(self, evidence: Evidence, contents: Mapping[int, bytes], heads: Heads) -> Iterator[Finding]:
        proof = read_json(self.files, RANGE, RangeProof)
        leaves = Leaves(proof.runs, self._file(HASHES), self._file(KINDS), contents)
        yield from log_checks.proved(leaves, proof, heads.head)
        window = self._window(proof) if self.manifest.batches else None
        yield from log_checks.complete(leaves, evidence, heads.head, window)
        yield from log_checks.seals_match(evidence, heads.checkpoints, heads.checkpoints[0].size - 1)
        if self.manifest.batches:
            yield from log_checks.batches_in_order(evidence)
        if gone := log_checks.removed(leaves):
            yield Finding(
                None,
                f"{gone} 条原始批次已过保存期，只剩哈希",
                f"{gone} batches are older than the park keeps them: only their hashes are left, and were checked",
            )

    @staticmethod
    def _window(proof: RangeProof) -> int:
        """The last run, which reaches the head, holds every leaf of its time."""
        return proof.runs[-1][0] if proof.runs else 0

    def _span(self, evidence: Evidence) -> Span:
        manifest = self.manifest
        terms = evidence.terms_at(manifest.end - 1)
        if terms is None:
            raise LedgerError("no scheme was ever said: nobody knows what had to be measured")
        if terms.park.settings.timezone != manifest.timezone:
            raise LedgerError(f"the record says the time zone {terms.park.settings.timezone}, the manifest {manifest.timezone}")
        if manifest.first >= manifest.end:
            raise LedgerError("no slot of the range counts yet")
        return Span(manifest.first, manifest.end, manifest.sources, terms)

    def _final(self, evidence: Evidence, head: int) -> bool:
        terms = evidence.terms_at(self.manifest.end - 1)
        return terms is not None and head >= covered_at(self.manifest.end, terms.rules)

    def _coverage(self, evidence: Evidence, heads: Heads) -> Iterator[Finding]:
        span = self._span(evidence)
        grids = merged(evidence)
        if span.end * SLOT_US > sealed_until(heads.head.time or 0):
            yield bad(
                "范围末尾尚未封存",
                f"the range ends at {iso(span.end * SLOT_US)}, later than what the head of {told(heads.head)} seals",
            )
        yield from self._promptness(evidence, span)
        if self.manifest.batches:
            yield from self._batches(evidence, grids, span)
        yield from self._figures(evidence, grids, span)

    def _promptness(self, evidence: Evidence, span: Span) -> Iterator[Finding]:
        late = [
            f"{each.source} {each.tag} {iso(each.slot * SLOT_US)} became good in leaf {each.leaf}, after {iso(each.known)}"
            for each in too_late(evidence, span.terms.rules)
        ]
        if late:
            yield from all_bad("逾期才补的好数据", "a fact became good after its deadline", late)
        else:
            yield good("没有逾期才变好的数据", "no fact became good after its deadline")

    def _batches(self, evidence: Evidence, grids: Mapping[Key, Grid], span: Span) -> Iterator[Finding]:
        groups = read_json(self.files, GROUPS, list[Group])
        first, window = span.first, self._window(read_json(self.files, RANGE, RangeProof))
        kinds, runs = self._file(KINDS), read_json(self.files, RANGE, RangeProof).runs
        start = sum(end - begin for begin, end in runs[:-1])
        if kinds[start:].count(log_checks.GONE):
            kept = [batch.arrived for n, batch in evidence.batches if n >= window]
            first = max(first, (min(kept, default=0) // SLOT_US + 2) if kept else span.end)
        sealed = {key: grid for key, grid in grids.items() if key[0] in span.sources}
        faults = unlike(sealed, recomputed(evidence, Reader.of(groups), first, span.end), span.sources, first, span.end)
        if faults:
            yield from all_bad(
                "批次与封存的事实不符", "the batches do not give what was sealed", [_unlike(each) for each in faults]
            )
        elif first < span.end:
            yield good(
                f"{len(evidence.batches)} 个批次逐分钟重算，与封存的事实完全一致",
                f"{len(evidence.batches)} batches, read again, give every fact as it was sealed, from {iso(first * SLOT_US)} on",
            )

    def _figures(self, evidence: Evidence, grids: Mapping[Key, Grid], span: Span) -> Iterator[Finding]:
        early = months_begin(span.first, span.end, span.zone)
        whose = touched(span.sources, evidence.schemes, evidence.exemptions, span.terms.rules, early, span.end)
        if whose and self.manifest.evidence_from > early:
            yield bad(
                "缺少本月较早的证据",
                f"exemptions of {', '.join(sorted(whose))} need the facts of the month from {iso(early * SLOT_US)} on",
            )
        found = by_day(settled(evidence, grids, span), span)
        faults: list[str] = []
        for source in sorted({*found, *self.manifest.figures}):
            mine, theirs = found.get(source, {}), self.manifest.figures.get(source, {})
            for day in sorted({*mine, *theirs}):
                if mine.get(day) != theirs.get(day):
                    faults.append(f"{source} {day}: claimed {_figures(theirs.get(day))}, recomputed {_figures(mine.get(day))}")
        if faults:
            yield from all_bad("覆盖率与重算不符", "figures are not what the evidence gives", faults)
            return
        totals = [sum(column) for column in zip(*(each for own in found.values() for each in own.values()), strict=True)]
        slots, covered, prompt, excused = totals[:4] if totals else (0, 0, 0, 0)
        net = slots - excused
        yield good(
            f"{len(found)} 个危险源覆盖率重算一致：{covered}/{slots}，扣除报备 {covered}/{net}，实时 {prompt}/{slots}",
            f"figures of {len(found)} sources recomputed: raw {covered}/{slots}, net {covered}/{net}, real-time {prompt}/{slots}",
        )

    def _unproved(self, evidence: Evidence, final: bool) -> Iterator[Finding]:
        if not self.trust.keys:
            zh, en = (
                "密钥取自本包，未与您另存的公钥比对",
                "the key is the bundle's own: give --key with one that you got otherwise",
            )
            yield Finding(None, zh, en)
        if self.trust.witness is None:
            yield Finding(
                None, "未与见证比对，尾部是否被截无法得知", "no --witness: whether the record's tail was cut is not known"
            )
        if not self.manifest.batches:
            zh, en = (
                "包内没有原始批次，事实未从批次重算",
                "the boxes' batches are not in the bundle: facts were not recomputed from them",
            )
            yield Finding(None, zh, en)
        if not final:
            yield Finding(None, "迟到数据仍可能补入", "late data may still come: the head is not older than the late deadline")
        if evidence.simulated != self.manifest.simulated:
            yield bad("模拟标记不符", "the manifest and the record do not agree on whether the data are simulated")
        elif evidence.simulated:
            yield Finding(
                None,
                "数据为模拟时钟所写，不是真实监测",
                "the record was written with a simulated clock: it is no real monitoring",
            )


def _unlike(each: Unlike) -> str:
    where = f"{each.source} {each.tag} {iso(each.slot * SLOT_US)}"
    return f"{where}: sealed {_fact(each.sealed)}, the batches give {_fact(each.recomputed)}"


def _fact(code: int) -> str:
    return _FACTS.get(code, str(code))


def _figures(found: Figures | Sequence[int] | None) -> str:
    if found is None:
        return "nothing"
    slots, covered, prompt, excused, *lost = found
    return f"{covered}/{slots} (real-time {prompt}, excused {excused}, lost {'+'.join(map(str, lost))})"
