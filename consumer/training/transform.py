"""What a linear model needs of columns that trees take as they are: heavy tails folded, missing values marked. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from consumer.scoring.features import Matrix

_HEAVY = 20.0
"""A column is heavy-tailed if a value is so many times its usual size away from 0."""
_OFTEN, _SELDOM = 0.99, 0.01


@dataclass(frozen=True)
class LinearTransform:
    """Learnt from training rows, for a fair comparison: sign(x) log(1 + |x|) where tails are heavy, then a flag per gap.

    A column is folded if its largest absolute value exceeds 20 and twenty times its mean size; columns that are missing in 1 % to
    99 % of the rows get an indicator, one for those that are missing together. `fit_logistic` standardises what comes out and takes
    a missing value for its column's mean.
    """

    folded: npt.NDArray[np.intp]
    marked: npt.NDArray[np.intp]

    def apply(self, features: Matrix) -> Matrix:
        """Return [N, F + marks] float32 in Fortran order."""
        width = features.shape[1]
        out: Matrix = np.empty((len(features), width + len(self.marked)), np.float32, order="F")
        out[:, :width] = features
        for column in self.folded:
            values = out[:, column]
            out[:, column] = np.copysign(np.log1p(np.abs(values)), values)
        for place, column in enumerate(self.marked, width):
            out[:, place] = np.isnan(features[:, column])
        return out


def learn_transform(features: Matrix) -> LinearTransform:
    """Return the transform that these rows ask for."""
    folded, marked, seen = [], [], set()
    for column in range(features.shape[1]):
        values = features[:, column]
        gaps = np.isnan(values)
        sizes = np.abs(values[~gaps])
        if float(sizes.max(initial=0.0)) > _HEAVY * max(1.0, float(sizes.sum()) / max(1, len(sizes))):
            folded.append(column)
        pattern = np.packbits(gaps).tobytes()
        if _SELDOM < gaps.mean() < _OFTEN and pattern not in seen:
            seen.add(pattern)
            marked.append(column)
    return LinearTransform(np.array(folded, np.intp), np.array(marked, np.intp))
