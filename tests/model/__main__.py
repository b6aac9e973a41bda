"""A life again, as a divergence names it: PYTHONPATH=tests python -m model SEED STEPS WEIGHT..."""

from __future__ import annotations

import sys

from model.comparing import Comparison
from model.world import Life, Temper


def lived(seed: int, steps: int, temper: Temper) -> int:
    """Live a random life through; how many steps it had. Raises Divergence."""
    life = Life(seed, temper)
    replay = f"PYTHONPATH=tests .venv/bin/python -m model {seed} {steps} {temper.arguments()}"
    return Comparison(replay).live(life.beat() for _ in range(steps))


if __name__ == "__main__":
    seed, steps, *weights = (int(argument) for argument in sys.argv[1:])
    print(lived(seed, steps, Temper(*weights)), "steps, no divergence")
