"""The people and shops of a simulation, made once from the seed."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from producers.simulator.people import People
from producers.simulator.settings import SimulationSettings
from producers.simulator.shops import Shops


@dataclass(frozen=True, slots=True)
class World:
    """Everybody and every shop."""

    shops: Shops
    people: People


def make_world(settings: SimulationSettings) -> World:
    """Return the world of these settings; equal seeds and sizes give equal worlds, whatever the run."""
    rng = seeded(f"world {settings.seed}")
    shops = Shops(rng, settings.merchants)
    return World(shops, People(rng, settings.customers, shops))


def seeded(text: str) -> np.random.Generator:
    """Return a generator of random numbers that depends on all of `text`, and on nothing else."""
    return np.random.Generator(np.random.PCG64(int.from_bytes(blake2b(text.encode(), digest_size=16).digest())))
