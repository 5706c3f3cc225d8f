"""The ONNX model of the event bundle in a user's hands: one session, one thread, which is the fastest for a small model."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime as ort

_MODEL = Path(__file__).parents[2] / "data/event_bundle/model.onnx"


def open_session() -> Any:
    """Load the model."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return ort.InferenceSession(str(_MODEL), options, providers=["CPUExecutionProvider"])


def probabilities(session: Any, features: npt.NDArray[np.float32]) -> list[float]:
    """Return P(fraud) of each row of `features` [N, 56]: one call to ONNX Runtime."""
    return cast("list[float]", session.run(["probability"], {"features": features})[0].tolist())
