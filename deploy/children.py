"""The processes of a running park: started in groups of their own, watched, started again, and stopped by pid."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from embedded.processes import log_since, open_log
from embedded.report import tail

_PATIENCE_S = 10.0
_DEATHS = 3  # within _DEATHS_WINDOW_S: it will not live, and starting it again only hides that
_DEATHS_WINDOW_S = 60.0


class ChildFailed(RuntimeError):
    """A process of the park ended and will not be started again; the message carries the end of its log."""


@dataclass
class Child:
    """One long-running command with its log file."""

    name: str
    command: list[str]
    log: Path
    environment: dict[str, str] = field(repr=False)
    process: asyncio.subprocess.Process | None = field(default=None, repr=False)
    since: int = 0  # where in the log the present process began
    deaths: list[float] = field(default_factory=list[float])

    async def start(self) -> None:
        """Start it in a process group of its own; it is told to end if this process dies."""
        with open_log(self.log) as output:
            self.since = output.tell()
            self.process = await asyncio.create_subprocess_exec(
                *_tied(self.command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self.environment,
                start_new_session=True,
            )

    async def stop(self) -> None:
        """Ask its group to end, wait, and kill the group if it does not."""
        if self.process is None or self.process.returncode is not None:
            return
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await self.process.wait()
        except TimeoutError:
            self._signal(signal.SIGKILL)
            await self.process.wait()

    def _signal(self, number: signal.Signals) -> None:
        """To the whole group, while its leader has not been waited for: until then the number is nobody else's."""
        if self.process is not None and self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)

    def obituary(self) -> str:
        """How it ended, with its last log lines."""
        code = self.process.returncode if self.process else None
        how = f"ended with code {code}" if code is None or code >= 0 else f"was killed by {signal.Signals(-code).name}"
        return f"{self.name} {how}; the end of {self.log}:\n{tail(log_since(self.log, self.since)) or '    (empty)'}"


async def watch(child: Child, say: Callable[[str], None], pause_s: float = 2.0) -> None:
    """Start `child` again whenever it ends, and say so; raise ChildFailed if it ends 3 times within a minute."""
    while child.process is not None:
        await child.process.wait()
        now = time.monotonic()
        child.deaths = [at for at in child.deaths if at > now - _DEATHS_WINDOW_S] + [now]
        if len(child.deaths) >= _DEATHS:
            raise ChildFailed(child.obituary())
        say(f"✗ {child.obituary()}\n  {pause_s:.0f} 秒后重新启动 · started again in {pause_s:.0f} s")
        await asyncio.sleep(pause_s)
        await child.start()


async def until_first_end(children: list[Child]) -> None:
    """Raise ChildFailed as soon as one of `children` ends: while a park is starting, none may."""
    waits = {asyncio.ensure_future(child.process.wait()): child for child in children if child.process}
    try:
        done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        raise ChildFailed(waits[done.pop()].obituary())
    finally:
        for wait in waits:
            wait.cancel()


async def run_once(name: str, command: list[str], environment: dict[str, str], log: Path) -> None:
    """Run a short command to its end, output to `log`. Raises ChildFailed if it fails."""
    child = Child(name, command, log, environment)
    await child.start()
    if child.process is not None and await child.process.wait():
        raise ChildFailed(child.obituary())


async def stop_all(children: list[Child]) -> None:
    """Stop every child, all at the same time."""
    await asyncio.gather(*(child.stop() for child in children))


async def unless(stopping: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Do `work` until it ends (True) or a stop is asked for (False); its error is raised."""
    asked = asyncio.ensure_future(stopping.wait())
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({asked, task}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        asked.cancel()
        if not task.done():
            task.cancel()
            await asyncio.wait({task})
    if task.cancelled():
        return False
    await task
    return True


async def first_of(*works: Coroutine[Any, Any, None]) -> None:
    """Until the first of `works` ends, whose error is raised; the others are cancelled."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        await done.pop()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _tied(command: list[str]) -> list[str]:
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM", *command] if setpriv else command
