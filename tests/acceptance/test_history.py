"""Three days of the whole park through the real service: its coverage is what the simulator's own ledger says, to the slot."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from acceptance.park import ROOT
from running import Process, free_port, run, wait_ready

DAYS = 3


@pytest.mark.timeout(1800)
def test_three_days_of_the_park_are_counted_as_they_were_sent(database: str, tmp_path: Path) -> None:
    port = free_port()
    environment = {
        "HAZMON_HOME": str(tmp_path),
        "HAZMON_DATABASE_URL": database,
        "HAZMON_SIMULATED_FROM": "2026-02-27T00:00:00+08:00",
    }
    config, tokens = ROOT / "config", tmp_path / "secrets"
    boxes = sorted(folder.name for folder in config.iterdir() if folder.is_dir())
    run(["hazmon", "migrate"], environment)
    run(["hazmon", "token", "add", *boxes, "--out", str(tokens)], environment)
    command = ["hazmon", "serve", "--config", str(config), "--port", str(port)]
    service = Process("service", command, tmp_path / "service.log", environment)
    wait_ready(service.start(), port)
    try:
        command = ["hazmon-sim", "history", "--days", str(DAYS), "--from", "2026-02-27", "--config", str(config)]
        options = ["--park", f"http://127.0.0.1:{port}", "--tokens", str(tokens), "--ledger", str(tmp_path / "ledger.jsonl")]
        said = run([*command, *options], environment, limit_s=1700)
    finally:
        service.stop()
    assert said.splitlines()[-1] == f"equal: {42 * DAYS} rows", said[-4000:]
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM record_mark WHERE mark = 'simulated'").fetchone() == (1,)
        leaves = connection.execute("SELECT count(*) FROM evidence").fetchone()
        batches = connection.execute("SELECT count(*) FROM batch").fetchone()
        assert leaves == batches
