"""Hashes of results that are the same on every machine; ``python -m tests.golden`` writes golden.json.

Run it after a deliberate change of the arithmetic, and say so in the commit: users see the difference.
Inputs are made by integer arithmetic, and every NaN counts as the same one.
"""

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import simdnn
import simdnn.functional as F

from .networks import network, samples
from .registry import ELEMENTWISE, FLOATS, LOSSES, OPTIMIZERS, label, mixed_bits, spread

Array = np.ndarray[Any, Any]

PATH = Path(__file__).with_name("golden.json")


def digest(*results: Any) -> str:
    """SHA-256 of the little-endian bytes of arrays."""
    hasher = hashlib.sha256()
    for result in results:
        array = np.array(result)
        array[np.isnan(array)] = np.nan
        hasher.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
    return hasher.hexdigest()


def patterns(dtype: Any) -> Array:
    """Numbers of all kinds: bit patterns spread over all there are, and an even grid in +-32."""
    if dtype == np.float32:
        every = np.arange(0, 2**32, 262143, dtype=np.uint64).astype(np.uint32).view(np.float32)
    else:
        every = mixed_bits(16384, np.uint64).view(np.float64)
    return np.concatenate([every, (np.arange(-16384, 16385) / 512).astype(dtype)])


def elementwise() -> Iterator[tuple[str, str]]:
    """Values and derivatives at the default parameters."""
    for case in ELEMENTWISE:
        for dtype in FLOATS:
            x = patterns(dtype)
            arrays = [spread(x.size, dtype, 4), x][-case.arrays :]
            yield f"{case.name} {dtype.__name__}", digest(case.function(*arrays))


def rowwise() -> Iterator[tuple[str, str]]:
    """Softmax, its logarithm, and the losses with their gradients."""
    for dtype in FLOATS:
        tables = [spread(8 * width, dtype, 20).reshape(8, width) for width in (1, 10, 17, 1000)]
        for function in (F.softmax, F.log_softmax):
            yield f"{function.__name__} {dtype.__name__}", digest(*(function(x) for x in tables))
        classes = [np.arange(8) * 5 % x.shape[1] for x in tables]
        found = [F.cross_entropy(x, y, return_grad=True) for x, y in zip(tables, classes, strict=True)]
        yield f"cross_entropy {dtype.__name__}", digest(*(array for pair in found for array in pair))
        found = [F.mse_loss(x, x[::-1] / 2, return_grad=True) for x in tables]
        yield f"mse_loss {dtype.__name__}", digest(*(array for pair in found for array in pair))


def training() -> Iterator[tuple[str, str]]:
    """Parameters after 20 steps of a small network, with every optimiser."""
    for dtype in FLOATS:
        for loss in LOSSES:
            for rule, make, settings in OPTIMIZERS if loss in ("cross_entropy", "mse") else OPTIMIZERS[:1]:
                model = network([7, 19, 16, 5], "tanh", dtype=dtype)
                x, y = samples(loss, 70, 7, 5, dtype)
                trainer = simdnn.Trainer(model, loss=loss, optimizer=make(**settings), seed=11)
                trainer.fit(x, y, epochs=7, batch_size=24)
                name = f"20 steps {loss} {make.__name__} {label(rule, settings)} {dtype.__name__}"
                yield name, digest(model.flat_parameters, model(x))


def entries() -> dict[str, str]:
    """All hashes by name."""
    return dict([*elementwise(), *rowwise(), *training()])


def main() -> None:
    """Writes golden.json, or prints the hashes if asked to."""
    text = json.dumps(entries(), indent=1) + "\n"
    if sys.argv[1:] == ["--print"]:
        print(text, end="")
        return
    PATH.write_text(text)
    print(f"wrote {text.count(':')} hashes to {PATH}, from {simdnn.show_config('dicts')['isa']}")


if __name__ == "__main__":
    main()
