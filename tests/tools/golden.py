"""Hashes of results that are equal on every machine.

``python -m tests.tools.golden`` writes golden.json, and the record of ``simdnn verify``.

Run it after a deliberate change of the arithmetic, and say so in the commit: users see the difference.
Inputs are made by integer arithmetic, and all NaN count as equal.
"""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import simdnn
import simdnn.functional as F
from simdnn import nn, pretrain
from simdnn.cli import _verify, _verify_jobs
from simdnn.losses._registry import NAMED

from tests import oracles
from tests.support.networks import network, network_for, outputs, samples, targets
from tests.support.registry import ELEMENTWISE, FLOATS, KINDS, OPTIMIZERS, label, mixed_bits, spread

Array = np.ndarray[Any, Any]

PATH = Path(__file__).with_name("golden.json")


def digest(*results: Any) -> str:
    """The SHA-256 of the little-endian bytes of arrays, as in ``simdnn verify``."""
    return _verify.digest(map(np.asarray, results))


def patterns(dtype: Any) -> Array:
    """Inputs of all kinds: evenly spread bit patterns, and an even grid in +-32."""
    if dtype == np.float32:
        every = np.arange(0, 2**32, 262143, dtype=np.uint64).astype(np.uint32).view(np.float32)
    else:
        every = mixed_bits(16384, np.uint64).view(np.float64)
    return np.concatenate([every, (np.arange(-16384, 16385) / 512).astype(dtype)])


def elementwise() -> Iterator[tuple[str, str]]:
    """Hashes of values and derivatives with the default parameters."""
    for case in ELEMENTWISE:
        for dtype in FLOATS:
            x = patterns(dtype)
            arrays = [spread(x.size, dtype, 4), x][-case.arrays :]
            yield f"{case.name} {dtype.__name__}", digest(case.function(*arrays))


def rowwise() -> Iterator[tuple[str, str]]:
    """Hashes of softmax and related functions, and of the losses with their gradients."""
    for dtype in FLOATS:
        tables = [spread(8 * width, dtype, 20).reshape(8, width) for width in (1, 10, 17, 1000)]
        for function in (F.softmax, F.log_softmax, F.logsumexp):
            yield f"{function.__name__} {dtype.__name__}", digest(*(function(x) for x in tables))
            warm = digest(*(function(x, 3.0) for x in tables))
            yield f"{function.__name__} temperature {dtype.__name__}", warm
            slopes = [np.ones_like(function(x)) / 3 for x in tables]
            backward = getattr(F, f"{function.__name__}_backward")
            yield backward.__name__ + f" {dtype.__name__}", digest(*map(backward, slopes, tables))
        for name in oracles.LOSSES:
            found = [
                array
                for width in (1, 10, 17, 1000)
                for settings in oracles.LOSSES[name].variants(width)
                for reduction in ("mean", "none")
                for array in NAMED[name](
                    outputs(name, 8, width, dtype, 20),
                    targets(name, 8, width, dtype),
                    **settings,
                    reduction=reduction,
                    return_grad=True,
                )
            ]
            yield f"{name} {dtype.__name__}", digest(*found)


def training() -> Iterator[tuple[str, str]]:
    """Hashes of the parameters of a small network after 20 steps, with every optimizer."""
    for dtype in FLOATS:
        for loss in KINDS:
            for rule, make, settings in OPTIMIZERS:
                model = network([7, 19, 16, 5], "tanh", dtype=dtype)
                x, y = samples(loss, 70, 7, 5, dtype)
                trainer = simdnn.Trainer(model, loss=loss, optimizer=make(**settings), seed=11)
                trainer.fit(x, y, epochs=7, batch_size=24)
                name = f"20 steps {loss} {make.__name__} {label(rule, settings)} {dtype.__name__}"
                yield name, digest(model.flat_parameters, model(x))
        for loss in oracles.LOSSES:
            model = network_for(loss, [7, 19, 16, 5], "tanh", dtype=dtype)
            x, y = samples(loss, 70, 7, 5, dtype)
            simdnn.Trainer(model, loss=loss, seed=11).fit(x, y, epochs=7, batch_size=24)
            yield f"20 steps {loss} {dtype.__name__}", digest(model.flat_parameters, model(x))


def rbms() -> Iterator[tuple[str, str]]:
    """Hashes of restricted Boltzmann machines after three epochs of CD-2."""
    for dtype in FLOATS:
        for sampled in (False, True):
            rbm = pretrain.BernoulliRBM(19, 35, 2, "adam", dtype, 11, sample_visible=sampled)
            rbm.parameters()["weight"][...] = spread(19 * 35, dtype, 0.1).reshape(19, 35)
            x = abs(spread(300 * 19, dtype, 1)).reshape(300, 19)
            rbm.fit(x, epochs=3, batch_size=280, progress=False)
            name = f"machine{' sampled' if sampled else ''} {dtype.__name__}"
            yield name, digest(*rbm.parameters().values(), rbm.reconstruct(x))


def recurrent() -> Iterator[tuple[str, str]]:
    """Hashes of a two-layer recurrent network and its outputs after 12 steps with skipped time steps."""
    for dtype in FLOATS:
        for cell in (nn.RNN, nn.LSTM, nn.GRU):
            layer = cell(7, 19, 2, truncate=4, mask_value=0.0, initial_state="learned")
            model = nn.Sequential(layer, nn.Dense(19, 5), dtype=dtype, rng=0)
            model.flat_parameters[:] = spread(model.flat_parameters.size, dtype, 0.5)
            x = spread(40 * 9 * 7, dtype, 1.5).reshape(40, 9, 7)
            x[::3, 6:] = 0
            simdnn.Trainer(model, seed=11).fit(x, np.arange(40) % 5, epochs=6, batch_size=20)
            yield f"12 steps {cell.__name__} {dtype.__name__}", digest(model.flat_parameters, model(x))


#: Networks with random layers, trainable activations, normalization and piecewise-linear codes.
LAYERED: dict[str, Callable[[], list[nn.Layer]]] = {
    "normalized": lambda: [
        nn.Dense(7, 19),
        nn.BatchNorm1d(),
        nn.PReLU(19),
        nn.Dropout(0.3),
        nn.Dense(19, 33),
        nn.RReLU(),
        nn.LayerNorm(),
        nn.Swish(trainable=True),
        nn.Dense(33, 5),
    ],
    "piecewise": lambda: [
        nn.PiecewiseLinear(7, 33, encoded=5, bins=4, activation="silu"),
        nn.PiecewiseLinear(33, 19, encoded=20, bins=3, bias=False),
        nn.Dense(19, 5),
    ],
    "grouped": lambda: [
        nn.Concatenate((nn.Maxout(7, 9, 3), nn.AlphaDropout(0.1)), nn.CReLU(), nn.Dense(7, 3, "tanh")),
        nn.Residual(nn.Dense(26, 26), nn.BatchNorm1d(affine=False), nn.RReLU(0.1, 0.5, "normal")),
        nn.Dense(26, 5),
        nn.BinaryStep("clipped"),
        nn.Dense(5, 5),
    ],
}


#: Networks with dense layers everywhere, for bf16 products: of odd sizes, and in nested chains.
ROUNDED: dict[str, Callable[[], list[nn.Layer]]] = LAYERED | {
    "dense": lambda: [nn.Dense(7, 65, "tanh"), nn.Dense(65, 33, "relu"), nn.Dense(33, 5)],
    "residual": lambda: [
        nn.Dense(7, 16),
        nn.Residual(nn.Dense(16, 40, "silu"), nn.Dense(40, 16), shortcut=nn.Dense(16, 16, bias=False)),
        nn.Dense(16, 5),
    ],
}


def layered() -> Iterator[tuple[str, str]]:
    """Hashes of the parameters and buffers of these networks after 21 steps."""
    for kind in ("float32", "float64", "bf16"):
        dtype = np.float64 if kind == "float64" else np.float32
        for name, layers in (ROUNDED if kind == "bf16" else LAYERED).items():
            model = nn.Sequential(*layers(), dtype=dtype, rng=0, precision=kind)
            for i, value in enumerate(model.parameters().values()):
                if value.ndim == 2:  # initial weights use NumPy's sums, which differ between machines
                    value[...] = spread(value.size + i, dtype, 0.5)[i:].reshape(value.shape)
            x, y = samples("cross_entropy", 70, 7, 5, dtype)
            simdnn.Trainer(model, seed=11).fit(x, y, epochs=7, batch_size=24)
            yield f"layers {name} {kind}", digest(*model.state_dict().values(), model(x))


def entries() -> dict[str, str]:
    """All hashes by name."""
    return dict([*elementwise(), *rowwise(), *training(), *rbms(), *recurrent(), *layered()])


def main() -> None:
    """Writes golden.json, or prints the hashes, depending on the arguments."""
    text = json.dumps(entries(), indent=1) + "\n"
    if sys.argv[1:] == ["--print"]:
        print(text, end="")
        return
    PATH.write_text(text)
    record = {name: _verify.digest(job()) for name, job in _verify_jobs.JOBS.items()}
    Path(_verify.__file__).with_name(_verify.RECORD).write_text(json.dumps(record, indent=1) + "\n")
    print(f"wrote {text.count(':')} hashes to {PATH}, from {simdnn.show_config('dicts')['isa']}")


if __name__ == "__main__":
    main()
