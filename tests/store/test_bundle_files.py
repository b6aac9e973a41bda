"""The same hands on the bundle's own files: whether or not the manifest is made to fit, it is found which file and which leaf."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import msgspec
import pytest
import pytest_asyncio
from store.keeping import DAY, KEY, NEXT_KEY, START, keeping, three_days
from typer.testing import CliRunner

from hazmon.bundle.container import digest, pack_leaves, read_zip, unpack_leaves, write_zip
from hazmon.bundle.heads import Trust
from hazmon.bundle.making import Question, build
from hazmon.bundle.manifest import BATCHES, FACTS, HASHES, HEAD, MANIFEST, RANGE, STATEMENTS, Manifest, Told, written
from hazmon.bundle.verify import verify
from hazmon.cli import app

pytestmark = pytest.mark.asyncio(loop_scope="module")
TRIES = 20
LISTS = (STATEMENTS, FACTS, BATCHES)
Files = dict[str, bytes]


@dataclass
class Made:
    """A sound bundle, and what the auditor brings."""

    data: bytes
    trust: Trust
    witness: Path

    def faults(self, files: Files) -> list[str]:
        return [str(each) for each in verify(write_zip(files), self.trust).findings if each.holds is False]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def made(module_database: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Made]:
    witness = tmp_path_factory.mktemp("witness")
    async with keeping(module_database, witness) as keeper:
        await three_days(keeper, every=60, heads=180)
        await keeper.restart(START + 3 * DAY, [NEXT_KEY, KEY])
        await keeper.seal(START + 3 * DAY + 10**9)
        data = await build(keeper.connection, [NEXT_KEY.verifier, KEY.verifier], Question(START, START + 3 * DAY))
        notes = {file.name: file.read_bytes() for file in witness.glob("*.note")}
        yield Made(data, Trust((KEY.verifier,), notes), witness)


def edited(files: Files, random: Random) -> tuple[str, int]:
    """Another byte in a leaf."""
    name, leaves = _some(files, random)
    at = random.randrange(len(leaves))
    n, content = leaves[at]
    byte = random.randrange(len(content) - 8, len(content))
    leaves[at] = (n, content[:byte] + bytes([content[byte] ^ 1]) + content[byte + 1 :])
    files[name] = pack_leaves(leaves)
    return name, n


def deleted(files: Files, random: Random) -> tuple[str, int]:
    """A leaf less."""
    name, leaves = _some(files, random)
    n, _ = leaves.pop(random.randrange(len(leaves)))
    files[name] = pack_leaves(leaves)
    return name, n


def inserted(files: Files, random: Random) -> tuple[str, int]:
    """A leaf more, behind the log's end."""
    name, leaves = _some(files, random)
    n = 10**6 + random.randrange(1000)
    files[name] = pack_leaves([*leaves, (n, random.choice(leaves)[1])])
    return name, n


def reordered(files: Files, random: Random) -> tuple[str, int]:
    """Two leaves in each other's place."""
    name, leaves = _some(files, random)
    one, other = random.sample(range(len(leaves)), 2)
    leaves[one], leaves[other] = (leaves[one][0], leaves[other][1]), (leaves[other][0], leaves[one][1])
    files[name] = pack_leaves(leaves)
    return name, leaves[one][0]


def _some(files: Files, random: Random) -> tuple[str, list[tuple[int, bytes]]]:
    name = random.choice([name for name in LISTS if sum(1 for _ in unpack_leaves(files[name], name)) > 2])
    return name, list(unpack_leaves(files[name], name))


def refitted(files: Files) -> None:
    """The manifest made to fit the files."""
    manifest = msgspec.json.decode(files[MANIFEST], type=Manifest)
    told = {name: Told(len(data), digest(data)) for name, data in files.items() if name != MANIFEST}
    files[MANIFEST] = written(msgspec.structs.replace(manifest, files=told))


async def test_a_sound_bundle_holds_also_for_who_knows_only_the_old_key(made: Made) -> None:
    for keys in ((KEY.verifier,), (NEXT_KEY.verifier,), ()):
        verdict = verify(made.data, Trust(keys, made.trust.witness))
        assert verdict.holds, verdict.lines()


@pytest.mark.parametrize("hand", [edited, deleted, inserted, reordered])
async def test_a_changed_leaf_is_found_and_named(made: Made, hand: Callable[[Files, Random], tuple[str, int]]) -> None:
    random = Random(hand.__name__)
    for _ in range(TRIES):
        files = read_zip(made.data)
        name, n = hand(files, random)
        assert any(f"{name}: changed" in fault for fault in made.faults(files))
        refitted(files)
        faults = made.faults(files)
        assert any(f"leaf {n}" in fault for fault in faults), faults


async def test_a_changed_hash_or_proof_is_found(made: Made) -> None:
    random = Random("hashes")
    for _ in range(TRIES):
        files = read_zip(made.data)
        at = random.randrange(len(files[HASHES]))
        files[HASHES] = files[HASHES][:at] + bytes([files[HASHES][at] ^ 4]) + files[HASHES][at + 1 :]
        refitted(files)
        faults = made.faults(files)
        first = msgspec.json.decode(files[RANGE])["runs"][0][0]
        assert any(f"leaf {first + at // 32}," in fault and "hash" in fault for fault in faults), faults


async def test_a_changed_figure_is_found_with_source_and_day(made: Made) -> None:
    random = Random("figures")
    for _ in range(TRIES):
        files = read_zip(made.data)
        manifest = msgspec.json.decode(files[MANIFEST])
        source = random.choice(sorted(manifest["figures"]))
        day = random.choice(sorted(manifest["figures"][source]))
        manifest["figures"][source][day][random.randrange(8)] += 1
        files[MANIFEST] = msgspec.json.encode(manifest)
        assert any(f"{source} {day}: claimed" in fault for fault in made.faults(files))


async def test_a_checkpoint_that_was_changed_or_taken_out_is_found(made: Made) -> None:
    random = Random("checkpoints")
    for _ in range(TRIES):
        files = read_zip(made.data)
        name = random.choice([name for name in files if name.startswith("checkpoint/") and name != HEAD])
        size = int(Path(name).stem)
        if random.random() < 0.5:
            del files[name]
        else:
            files[name] = files[name].replace(b"\n2", b"\n1", 1) if b"\n2" in files[name] else files[name].replace(b"T", b"U", 1)
        refitted(files)
        faults = made.faults(files)
        assert any(name in fault or f" {size} leaves" in fault for fault in faults), faults


async def test_what_is_no_bundle_is_refused(made: Made, tmp_path: Path) -> None:
    file = tmp_path / "coverage.bundle"
    for data in (b"", b"no zip", made.data[:-40], write_zip({"a": b""}), write_zip({MANIFEST: b"{}"})):
        file.write_bytes(data)
        result = CliRunner().invoke(app, ["verify", str(file)])
        assert result.exit_code == 2, result.output


async def test_the_command_says_it_in_plain_sentences(made: Made, tmp_path: Path) -> None:
    file, key = tmp_path / "coverage.bundle", tmp_path / "key.pub"
    file.write_bytes(made.data)
    key.write_text(f"{KEY.verifier}\n")
    result = CliRunner().invoke(app, ["verify", str(file), "--key", str(key), "--witness", str(made.witness)])
    assert result.exit_code == 0, result.output
    assert "figures of 2 sources recomputed" in result.output
    other = CliRunner().invoke(app, ["verify", str(file), "--key", "hazmon-test+00000000+AAAA"])
    assert other.exit_code == 2
    files = read_zip(made.data)
    files[HASHES] = files[HASHES][:-1] + b"?"
    file.write_bytes(write_zip(files))
    assert CliRunner().invoke(app, ["verify", str(file)]).exit_code == 1
