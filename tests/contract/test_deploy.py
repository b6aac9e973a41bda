"""What is shipped for Docker and systemd, judged by Docker Compose and systemd themselves."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from embedded.debian import Bundle, unpack
from embedded.elf import library_folder

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE = Bundle("compose", ("docker-compose",), ("docker*", "containerd*", "tini*", "runc*", "git*", "iptables*", "*perl*"), ())
SYSTEMD = Bundle("systemd", ("systemd",), ("*perl*", "debconf", "passwd", "libpam-modules*", "libpam-runtime"), ())
CADDY = Bundle("caddy", ("caddy",), ("*perl*", "debconf", "adduser", "passwd"), ())
UNITS = ("hazmon.service", "hazmon-edge@.service")
GIVEN = {"HAZMON_DATABASE_PASSWORD": "of-the-test", "HAZMON_EDGE_TOKEN": "of-the-test"}


def _run(root: Path, program: str, *arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run an unpacked program by its own loader."""
    libraries = library_folder(root)
    loader = next(libraries.glob("ld-linux*.so.*"))
    search = f"{libraries}:{libraries}/systemd"
    command = [str(loader), "--library-path", search, str(root / program), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]} | environment)


@pytest.fixture(scope="module")
def compose(hazmon_home: Path) -> Path:
    return unpack(COMPOSE, hazmon_home)


@pytest.fixture(scope="module")
def systemd(hazmon_home: Path) -> Path:
    return unpack(SYSTEMD, hazmon_home)


def test_caddy_accepts_the_proxy_settings(hazmon_home: Path, tmp_path: Path) -> None:
    command = ("adapt", "--config", str(DEPLOY / "Caddyfile"), "--validate")
    done = _run(unpack(CADDY, hazmon_home), "usr/bin/caddy", *command, environment={"HOME": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    routes = json.dumps(json.loads(done.stdout)["apps"]["http"]["servers"])
    assert '"max_size": 8388608' in routes  # what the service accepts of a box
    assert '"dial": "127.0.0.1:8080"' in routes


def _compose(root: Path, *arguments: str, environment: dict[str, str] = GIVEN) -> subprocess.CompletedProcess[str]:
    program = next(root.glob("usr/libexec/docker/cli-plugins/docker-compose")).relative_to(root)
    command = ("-f", str(DEPLOY / "compose.yaml"), *arguments)
    return _run(root, str(program), *command, environment=environment)


def test_compose_accepts_the_file(compose: Path) -> None:
    done = _compose(compose, "config", "-q")
    assert (done.returncode, done.stderr) == (0, "")


def test_compose_refuses_to_start_without_passwords(compose: Path) -> None:
    done = _compose(compose, "config", "-q", environment={})
    assert done.returncode != 0
    assert "set it in deploy/.env" in done.stderr


def test_the_composed_park_is_pinned_and_closed(compose: Path) -> None:
    done = _compose(compose, "config", "--format", "json")
    services: dict[str, Any] = json.loads(done.stdout)["services"]
    assert set(services) == {"database", "broker", "migrate", "service", "edge", "proxy"}
    for name, service in services.items():
        assert re.search(r":\d+\.\d+\.\d+", service["image"]), f"{name}: {service['image']} names no version"
        published = {port["published"] for port in service.get("ports", []) if port.get("host_ip") != "127.0.0.1"}
        assert published == ({"80", "443"} if name == "proxy" else set()), name
    for name in ("broker", "service", "edge"):
        assert services[name]["read_only"]
        assert services[name]["cap_drop"] == ["ALL"]
    for name in ("service", "edge", "proxy", "broker", "database"):
        assert services[name]["restart"] == "always"


def test_what_compose_mounts_and_builds_exists(compose: Path) -> None:
    services: dict[str, Any] = json.loads(_compose(compose, "config", "--format", "json").stdout)["services"]
    for service in services.values():
        for mount in service.get("volumes", []):
            assert mount["type"] == "volume" or Path(mount["source"]).exists(), mount["source"]
        if "build" in service:
            context = Path(service["build"]["context"])
            recipe = (context / service["build"]["dockerfile"]).read_text()
            copied = [word for line in re.findall(r"^COPY (?!--from)(.+) \S+$", recipe, re.MULTILINE) for word in line.split()]
            assert copied
            assert [source for source in copied if not (context / source).exists()] == []


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_accepts_the_unit(systemd: Path, tmp_path: Path, unit: str) -> None:
    """With the programs' place put where there is one: systemd refuses a unit whose program is absent."""
    done = _verify(systemd, tmp_path, unit, (DEPLOY / unit).read_text())
    assert (done.returncode, done.stderr) == (0, "")


def test_systemd_would_refuse_a_wrong_unit(systemd: Path, tmp_path: Path) -> None:
    done = _verify(systemd, tmp_path, UNITS[0], (DEPLOY / UNITS[0]).read_text().replace("Restart=always", "Restart=sometimes"))
    assert "sometimes" in done.stderr


def _verify(systemd: Path, tmp_path: Path, unit: str, text: str) -> subprocess.CompletedProcess[str]:
    programs = tmp_path / "bin"
    programs.mkdir()
    for program in ("hazmon", "hazmon-edge"):
        (programs / program).write_text("#!/bin/sh\n")
        (programs / program).chmod(0o755)
    placed = tmp_path / unit.replace("@.", "@E01.")
    placed.write_text(re.sub(r"/opt/hazmon(-edge)?/bin", str(programs), text))
    units = f"{tmp_path}:{systemd}/usr/lib/systemd/system"
    command = ("verify", "--man=no", "--recursive-errors=no", str(placed))
    return _run(systemd, "usr/bin/systemd-analyze", *command, environment={"SYSTEMD_UNIT_PATH": units})


@pytest.mark.parametrize("unit", UNITS)
def test_the_unit_is_hardened(systemd: Path, tmp_path: Path, unit: str) -> None:
    """systemd's own exposure figure, 0 (sealed) to 10; a plain unit has 9.6."""
    placed = tmp_path / unit.replace("@.", "@E01.")
    placed.write_text((DEPLOY / unit).read_text())
    command = ("security", "--offline=true", "--threshold=20", "--no-pager", str(placed))
    done = _run(systemd, "usr/bin/systemd-analyze", *command, environment={"SYSTEMD_UNIT_PATH": str(tmp_path)})
    assert done.returncode == 0, done.stdout + done.stderr
