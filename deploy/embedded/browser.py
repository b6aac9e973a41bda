"""Debian's Chromium with a Chinese font, for browser tests: the machine's own if it can write Chinese, else unpacked."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from shlex import quote

from embedded.debian import Bundle, unpack
from embedded.elf import library_folder

CHROMIUM = Bundle(
    name="chromium",
    packages=("chromium", "fonts-noto-cjk"),
    # headless draws in software of its own: no GPU stack; no desktop, sound server or service manager
    skip=(
        "libllvm*", "libz3*", "mesa-*", "libgtk-3-common", "adwaita-icon-theme", "systemd*", "libsystemd-shared", "procps",
        "libproc2*", "libpam*", "passwd", "login.defs", "debconf", "openssl*", "dbus*", "shared-mime-info",
        "hicolor-icon-theme", "xdg-utils", "xkb-data", "*perl*", "adduser", "base-passwd", "dconf*", "gsettings*",
        "libgl1-mesa-dri", "sensible-utils", "ucf",
    ),
    programs=("usr/lib/chromium/chromium", "usr/lib/chromium/chrome_crashpad_handler"),
)  # fmt: skip

_FONTS = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir>{root}/usr/share/fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
  <alias><family>sans-serif</family><prefer><family>Noto Sans CJK SC</family><family>DejaVu Sans</family></prefer></alias>
  <alias>
    <family>monospace</family>
    <prefer><family>DejaVu Sans Mono</family><family>Noto Sans Mono CJK SC</family></prefer>
  </alias>
</fontconfig>
"""


def chromium(home: Path) -> Path:
    """An executable that takes Chromium's command line; in `home`/cache, unless the machine has it and a Chinese font."""
    local = shutil.which("chromium")
    if local and _writes_chinese():
        return Path(local)
    root = unpack(CHROMIUM, home)
    start = root / "chromium"
    fonts = root / "fonts.conf"
    fonts.write_text(_FONTS.format(root=root))
    program = root / CHROMIUM.programs[0]
    # libraries with a search path of their own (libpulse) ignore the program's
    libraries = library_folder(root)
    search = quote(f"{libraries}:{libraries}/pulseaudio")
    start.write_text(f'#!/bin/sh\nFONTCONFIG_FILE={quote(str(fonts))} LD_LIBRARY_PATH={search} exec {quote(str(program))} "$@"\n')
    start.chmod(0o755)
    return start


def _writes_chinese() -> bool:
    if shutil.which("fc-list") is None:
        return False
    fonts = subprocess.run(["fc-list", ":lang=zh-cn", "family"], capture_output=True, text=True, check=False)
    return bool(fonts.stdout.strip())
