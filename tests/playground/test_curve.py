"""The curve of a training has few points, evenly spaced, however long it is."""

import numpy as np
import pytest
from simdnn.playground._curve import MOST_POINTS, Curve


@pytest.mark.parametrize("chunk", [1, 7, 900])
@pytest.mark.parametrize("each", [1, 16])
def test_points_are_some_of_those_that_were_added(chunk: int, each: int) -> None:
    curve, last, epochs = Curve(), 0, 0
    curve.add([0], [1.0], 2.0)
    while epochs < 20_000:
        steps = range(last + each, last + chunk * each + 1, each)
        curve.add(steps, [1.0 / (1 + step) for step in steps], 2.0 / (1 + steps[-1]))
        last, epochs = steps[-1], epochs + chunk
        found, losses, tests = map(np.array, curve.points())
        assert len(found) == len(losses) == len(tests) <= MOST_POINTS
        assert found[0] == 0
        assert (np.diff(found) > 0).all()
        assert np.allclose(losses, 1 / (1 + found))
        assert last - found[-1] <= max(each, 2 * np.diff(found).max())
    gaps = np.diff(found)
    assert len(found) > MOST_POINTS / 4
    assert gaps.max() <= 4 * max(gaps.min(), each)
