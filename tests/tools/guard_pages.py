"""Operations on arrays that end, or begin, at a page without access: `python -m tests.tools.guard_pages`.

A process that reads or writes beyond an array ends by a fault; the last printed name is the operation.
"""

import faulthandler
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import simdnn
import simdnn.functional as F
from simdnn import nn
from simdnn.losses._registry import NAMED

from tests import oracles
from tests.oracles.layers import ROWS
from tests.support.networks import network, network_for, outputs, samples, targets
from tests.support.pages import Guards
from tests.support.registry import ELEMENTWISE, FLOATS, OPTIMIZERS, same_bits, spread
from tests.support.sweep import LONG

Array = np.ndarray[Any, Any]

#: Lengths around the ends of vectors, lanes, unrolled loops and blocks.
SOME = [0, *range(1, 20), 31, 32, 33, 47, 48, 49, 63, 64, 65, 127, 128, 129, 255, 256, 257]
#: All lengths below are tried in a sweep.
LENGTHS: Sequence[int] = range(258) if LONG else SOME

#: A call on arrays, and a name for reports.
Case = tuple[str, Callable[..., Any], list[Array]]


def compare(found: Any, wanted: Any) -> None:
    """Raises unless two results, which may be nested, have equal bits."""
    if isinstance(wanted, tuple | list):
        for one, other in zip(found, wanted, strict=True):
            compare(one, other)
    elif wanted is not None:
        assert same_bits(found, wanted)


def check(cases: Iterable[Case]) -> int:
    """Runs calls on guarded arrays and on plain ones; the number of calls."""
    guards, count, last = Guards(pages=128), 0, ""
    for name, call, arrays in cases:
        if name != last:
            print(name, flush=True)
        last = name
        wanted = call(*(array.copy() for array in arrays))
        for end in (True, False):
            found = call(*(guards.hold(array, end) for array in arrays))
            compare(found, wanted)
            del found
            guards.release()
            count += 1
    return count


def elementwise() -> Iterator[Case]:
    """Values, derivatives and backward passes, into a result of the caller."""
    for case in ELEMENTWISE:
        for dtype in (np.float16, *FLOATS):
            numbers = spread(258, dtype, 3.0)

            def call(*arrays: Array, case: Any = case) -> Array:
                *x, out = arrays
                with np.errstate(all="ignore"):
                    return case.ufunc(*x, *map(x[0].dtype.type, case.defaults), out=out)

            for n in LENGTHS:
                yield case.name, call, [numbers[:n]] * case.arrays + [np.zeros(n, dtype)]


def rows() -> Iterator[Case]:
    """Functions over rows, and those that group columns."""
    for dtype in (np.float16, *FLOATS):
        for n in LENGTHS[1:]:
            for count in (1, 3):
                x = spread(count * n, dtype, 3.0).reshape(count, n)
                y, one = np.zeros_like(x), np.zeros(count, dtype)
                yield "softmax", lambda x, out: F.softmax(x, out=out), [x, y]
                yield "softmax, temperature", lambda x, out: F.softmax(x, 2.0, out=out), [x, y]
                yield "log_softmax", lambda x, out: F.log_softmax(x, out=out), [x, y]
                yield "logsumexp", lambda x, out: F.logsumexp(x, out=out), [x, one]
                yield "softmax_backward", lambda dy, x, out: F.softmax_backward(dy, x, out=out), [x, x, y]
                yield "log_softmax_backward", F.log_softmax_backward, [x, x]
                yield "logsumexp_backward", F.logsumexp_backward, [one, x]
                yield "entropy", lambda x: F.entropy(x, return_grad=True), [x]
                yield "crelu", F.crelu, [x]
                yield "crelu_backward", F.crelu_backward, [np.repeat(x, 2, axis=1), x]
                yield "maxout", lambda x: F.maxout(x, x.shape[1]), [x]
                yield "maxout_backward", lambda dy, x: F.maxout_backward(dy, x, x.shape[1]), [x[:, :1], x]
                yield "swish_backward", lambda dy, x: F.swish_backward(dy, x, 1.5), [x, x]
                yield "prelu_backward", lambda dy, x, a: F.prelu_backward(dy, x, a), [x, x, x[0]]


def losses() -> Iterator[Case]:
    """Losses with their gradients, and weights of samples."""
    for name in oracles.LOSSES:
        function = NAMED[name]

        def call(x: Array, y: Array, *weight: Array, f: Any = function) -> Any:
            return f(x, y, return_grad=True, **({"sample_weight": weight[0]} if weight else {}))

        for dtype in FLOATS:
            for n in LENGTHS[1:]:
                for shape in ((1, n), (n, 2), (3, n)):
                    x, y = outputs(name, *shape, dtype), targets(name, *shape, dtype)
                    yield name, call, [x, y]
                x, y = outputs(name, n, 3, dtype), targets(name, n, 3, dtype)
                if oracles.LOSSES[name].classifies:
                    yield name, call, [x, y, np.ones(n, dtype)]


def optimizers() -> Iterator[Case]:
    """Steps of each rule in memory of the caller."""
    for name, make, settings in OPTIMIZERS:

        def call(p: Array, q: Array, g: Array, h: Array, make: Any = make, settings: Any = settings) -> Any:
            optimizer = make([p, q], **settings)
            for _ in range(2):
                optimizer.step([g, h])
            return [p.copy(), q.copy()]

        for dtype in FLOATS:
            for n in LENGTHS:
                x = spread(n, dtype, 1.0)
                yield f"{name} {settings}", call, [x, x[: n // 2], x / 2, x[: n // 2]]


def layers() -> Iterator[Case]:
    """Passes of each layer, and predictions into memory of the caller."""
    for name, row in ROWS.items():
        for dtype in FLOATS:
            model = row.model(dtype)
            predictor = model.freeze()

            def call(x: Array, dy: Array, out: Array, model: Any = model, predictor: Any = predictor) -> Any:
                predictor.predict(x, out)
                model.forward(x, training=False)
                y = model.forward(x, training=True)
                return out.copy(), y.shape, model.backward(dy).shape

            for n in SOME[1 :: 1 if dtype == np.float32 else 3]:
                x = row.x(n, dtype)
                y = model(x)
                yield name, call, [x, spread(y.size, dtype).reshape(y.shape), np.zeros_like(y)]


def products() -> Iterator[Case]:
    """Dense layers of many widths, and products of prediction with all numbers of rows."""
    for inputs in SOME[1:]:
        for dtype in FLOATS:
            for width in SOME[1 :: 2 if dtype == np.float32 else 4]:
                predictor = nn.Sequential(nn.Dense(inputs, width, "relu"), rng=0, dtype=dtype).freeze()
                for n in (1, 2, 7, 16, 17):
                    x = spread(n * inputs, dtype).reshape(n, inputs)
                    yield f"{inputs} inputs", predictor.predict, [x, np.zeros((n, width), dtype)]
    for dtype in FLOATS:
        predictor = network([5, 9, 3], dtype=dtype).freeze()
        for n in LENGTHS:
            x = spread(5 * n, dtype).reshape(n, 5)
            yield "rows", predictor.predict, [x, np.zeros((n, 3), dtype)]


def trainings() -> Iterator[Case]:
    """Steps, evaluations and epochs on samples of every dtype that is read in place, and their weights."""
    for loss in oracles.LOSSES:
        for n in SOME[1 :: 1 if LONG else 4]:

            def call(x: Array, y: Array, weight: Array, loss: str = loss) -> Any:
                trainer = simdnn.Trainer(network_for(loss, [5, 7, 3], dtype=np.float32), loss=loss, seed=0)
                found = [trainer.step(x, y, weight), *trainer.evaluate(x, y, weight)]
                fitted = trainer.fit(x, y, epochs=1, batch_size=5, sample_weight=weight, progress=False)
                return [*found, *fitted.loss, trainer.model.flat_parameters.copy()]

            x, y = samples(loss, n, 5, 3, np.float32)
            for dtype in (np.float32, np.float64, np.uint8):
                yield loss, call, [np.abs(x * 9).astype(dtype), y, np.ones(n, np.float32)]


FAMILIES: dict[str, Callable[[], Iterator[Case]]] = {
    family.__name__: family for family in (elementwise, rows, losses, optimizers, layers, products, trainings)
}


def main() -> None:
    """Checks the families that are named, or all of them."""
    faulthandler.enable()
    for family in sys.argv[1:] or FAMILIES:
        print(f"{family}: {check(FAMILIES[family]())} calls")


if __name__ == "__main__":
    main()
