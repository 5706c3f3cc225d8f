"""What the model sees of a transaction. One definition serves the stream, backfill and training, so that they cannot drift apart."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from consumer.scoring.features.block import Block, Matrix
from consumer.scoring.features.event import EVENT
from consumer.scoring.features.feature_set import FeatureSet
from consumer.scoring.features.memory import Memory, MemoryTerms
from consumer.scoring.features.velocity import VELOCITY

__all__ = ["EVENT", "FEATURE_SETS", "VELOCITY", "Block", "FeatureSet", "Matrix", "Memory", "MemoryTerms"]

FEATURE_SETS: Mapping[str, FeatureSet] = MappingProxyType({EVENT.name: EVENT, VELOCITY.name: VELOCITY})
"""Every set that this release can compute, by the name that bundles and decisions carry."""
