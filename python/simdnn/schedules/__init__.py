"""Learning rates as functions of the step: ``optim.Adam(lr=schedules.cosine(1e-3, steps=10_000))``.

A schedule is called with the number of steps (parameter updates, not epochs) done so far and returns a
learning rate. Optimizers accept any function with this signature. The schedules of this module are evaluated
in C++, so that an epoch of training does not call Python.
"""

from ._composites import flat_cos, one_cycle, sequence, warm_up
from ._decays import constant, cosine, coslog4, exponential, inverse_power, inverse_scaling, linear, step
from ._plateau import ReduceOnPlateau, reduce_on_plateau
from ._schedule import Schedule

__all__ = [
    "ReduceOnPlateau",
    "Schedule",
    "constant",
    "cosine",
    "coslog4",
    "exponential",
    "flat_cos",
    "inverse_power",
    "inverse_scaling",
    "linear",
    "one_cycle",
    "reduce_on_plateau",
    "sequence",
    "step",
    "warm_up",
]
