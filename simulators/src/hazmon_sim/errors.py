"""What the simulator says plainly instead of a traceback."""

from __future__ import annotations


class SimulatorError(Exception):
    """Anything the person at the keyboard can put right; the text says what."""


class PlantError(SimulatorError):
    """A plants file that cannot be used: names the file and the place in it."""


class PortBusyError(SimulatorError):
    """One or more ports that another program holds."""


class FaultError(SimulatorError):
    """An unknown fault or target, or one that is active already; the text lists what is valid."""
