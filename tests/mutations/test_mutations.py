"""Each rule of the design, broken on purpose in a copy of the source, makes the test that is named for it fail."""

from __future__ import annotations

import pytest

from tests.mutations.catalogue import MUTATIONS
from tests.mutations.conftest import Runs
from tests.mutations.mutation import Mutation


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.broken)
def test_a_named_test_notices_that(mutation: Mutation, runs: Runs) -> None:
    outcome = runs.mutants[mutation].result()
    assert outcome.is_noticed_by(mutation.test), f"{mutation.rule}\n{mutation.test}\n{outcome.output}"


def test_without_a_mutation_every_named_test_passes(runs: Runs) -> None:
    outcome = runs.unbroken.result()
    assert outcome.is_clean(), outcome.output
