"""Peer (b): peer (a) with scikit-learn in place of ONNX: usage `kcl_sklearn.py logistic|forest`, DATABASE_URL set.

What a user writes: `model.predict_proba([features])` for each record, on a pipeline of imputer, scaler and model as scikit-learn's guide
has it; it is made for matrices, and each step checks its input anew on each call: the logistic model alone takes a fifth of the time.
`logistic` is the kind of model that the ONNX peers and ours run; `forest` is what is chosen most often for fraud. A row at a time is
committed. Trained when it starts, on simulated events of another seed: nothing is unpickled.

What it does not do and ours does: what is missing in (a), and scores that are the same bits on every machine and release.
"""

from __future__ import annotations

import sys

from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from producers.simulator.settings import SimulationSettings
from producers.simulator.simulation import simulate
from tests.bench.peers.kcl_plain import Score, consume
from tests.bench.peers.payment import Payment
from tests.bench.peers.row_features import features_of

_TRAINING_EVENTS = 4_000
_MODELS = {
    "logistic": lambda: make_pipeline(
        SimpleImputer(strategy="constant", fill_value=0.0), StandardScaler(), LogisticRegression(max_iter=300)
    ),
    "forest": lambda: make_pipeline(
        SimpleImputer(strategy="constant", fill_value=0.0),
        RandomForestClassifier(n_estimators=100, max_depth=10, random_state=1),
    ),
}


def sklearn_score(kind: str) -> Score:
    """Train a model of `kind` and return what scores a payment with it."""
    simulated = list(simulate(SimulationSettings(seed=1_000, fraud_share=0.05), _TRAINING_EVENTS))
    rows = [features_of(Payment.model_validate(one.event)) for one in simulated]
    model = _MODELS[kind]().fit(rows, [one.is_fraud for one in simulated])
    return lambda payment: float(model.predict_proba([features_of(payment)])[0, 1])


if __name__ == "__main__":
    consume(sklearn_score(sys.argv[1]), "record")
