"""Small decisions of the embedded servers: ports, accounts, places, cache keys."""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from embedded.accounts import account_for, remove, settle
from embedded.debian import Bundle
from embedded.ports import accepts, free_port, holder_of, require_free
from embedded.processes import is_command, open_log, runs
from embedded.report import EmbeddedError, tail

BUNDLE = Bundle("tools", ("alpha", "beta"), ("gamma*",), ("usr/bin/alpha",))


def test_a_busy_port_is_refused_with_its_holder_and_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert accepts(port)
        assert str(os.getpid()) in (holder_of(port) or "")
        with pytest.raises(
            EmbeddedError, match=rf"port {port} \(database\) is already in use by process {os.getpid()} .* Move\."
        ):
            require_free(port, "database", "Move.")


def test_a_free_port_is_free() -> None:
    port = free_port()
    require_free(port, "database", "")
    assert not accepts(port)
    assert holder_of(port) is None


def test_the_cache_key_follows_everything_that_changes_the_tree() -> None:
    changed = [
        replace(BUNDLE, packages=("alpha",)),
        replace(BUNDLE, skip=()),
        replace(BUNDLE, programs=()),
    ]
    keys = {BUNDLE.key, *(bundle.key for bundle in changed)}
    assert len(keys) == 4
    assert all(key.startswith("tools-trixie-") for key in keys)


def test_a_server_of_root_runs_as_somebody_else(tmp_path: Path) -> None:
    account = account_for(tmp_path / "data")
    if os.geteuid() == 0:
        assert account is not None
        assert account.uid != 0
        assert account.command()[:2] == ["--reuid", str(account.uid)]
    else:
        assert account is None


def test_a_folder_stays_where_it_is_if_its_server_can_reach_it(session_folder: Path) -> None:
    assert settle(session_folder / "deep" / "data") == session_folder / "deep" / "data"
    assert (session_folder / "deep").is_dir()


def test_a_folder_behind_a_closed_one_is_linked_to_an_open_place_for_root(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    real = settle(closed / "data")
    if os.geteuid() != 0:  # one's own server reaches what oneself does
        assert real == closed / "data"
        return
    real.mkdir()
    assert (closed / "data").resolve() == real
    assert settle(closed / "data") == real
    assert all(parent.stat().st_mode & 0o001 for parent in real.parents)
    remove(closed / "data")
    assert not real.parent.exists()
    assert not (closed / "data").is_symlink()


def test_a_recycled_pid_is_not_taken_for_the_server() -> None:
    assert runs(os.getpid())
    assert not is_command(os.getpid(), "/no/such/data")


def test_a_large_log_is_put_aside(tmp_path: Path) -> None:
    log = tmp_path / "log" / "service.log"
    open_log(log).close()
    log.write_bytes(b"x" * 20_000_001)
    with open_log(log) as file:
        assert file.tell() == 0
    assert log.with_name("service.log.1").stat().st_size == 20_000_001


def test_the_end_of_a_text_is_what_a_person_needs() -> None:
    assert tail("one\n\ntwo\nthree\n", 2) == "    two\n    three"
