"""Exported networks give the bits of predictors: every layer, random networks, folding, states, ensembles."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simdnn
from simdnn import nn

from tests.oracles.layers import ROWS
from tests.support.c_programs import (
    COMPILERS,
    Library,
    assert_same_bits,
    every_compiler,
    needs_compiler,
    run_test,
)
from tests.support.draws import Draw
from tests.support.random_networks import random_case
from tests.support.registry import FLOATS, spread

#: Random networks that are compared.
RANDOM = 30


def name_of(row: str, dtype: Any) -> str:
    """A name in C for a row of layers in a dtype."""
    return "".join(one if one.isalnum() else "_" for one in f"{row}_{np.dtype(dtype).name}")


@pytest.fixture(scope="module")
def layers(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Every layer in both dtypes."""
    rows = {key: row for key, row in ROWS.items() if row.in_c}
    models = {name_of(key, dtype): row.model(dtype) for key, row in rows.items() for dtype in FLOATS}
    return Library(tmp_path_factory.mktemp("layers"), COMPILERS[0], models, "-O1")


@needs_compiler
@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("key", [key for key, row in ROWS.items() if row.in_c])
def test_layer_has_the_bits_of_the_predictor(key: str, dtype: Any, layers: Library) -> None:
    row, name = ROWS[key], name_of(key, dtype)
    x = row.x(7, dtype)
    assert_same_bits(layers.predict(name, x), layers.models[name].freeze().predict(x))


def randomized(model: nn.Sequential, seed: int) -> nn.Sequential:
    """A network with other parameters and running statistics."""
    rng = np.random.default_rng(seed)
    model.flat_parameters[:] = rng.normal(0, 0.5, model.flat_parameters.size)
    for value in model.buffers().values():
        value[...] = rng.random(value.shape) + 0.05
    return model


@every_compiler
def test_random_networks_have_the_bits_of_predictors(compiler: str, tmp_path: Path) -> None:
    cases = {f"net_{seed}": random_case(Draw(seed, 12)) for seed in range(RANDOM)}
    models = {name: randomized(case.model, i) for i, (name, case) in enumerate(cases.items())}
    made = Library(tmp_path, compiler, models)
    for name, case in cases.items():
        x = case.x[:5]
        with np.errstate(all="ignore"):
            assert_same_bits(made.predict(name, x), models[name].freeze().predict(x))


@needs_compiler
def test_batch_normalization_is_folded_as_in_a_predictor(tmp_path: Path) -> None:
    """A linear layer takes up the normalizations behind it, over layers that do nothing; another does not."""
    shared, projection = nn.Dense(6, 6), nn.Dense(12, 12, bias=False)
    models = {
        "after_dropout": nn.Sequential(shared, nn.Dropout(0.2), nn.BatchNorm1d(), nn.ReLU(), rng=0),
        "twice": nn.Sequential(nn.Dense(6, 4, bias=False), nn.BatchNorm1d(), nn.BatchNorm1d(), rng=1),
        "after_relu": nn.Sequential(nn.Dense(6, 4, "relu"), nn.BatchNorm1d(affine=False), rng=2),
        "codes": nn.Sequential(nn.PiecewiseLinear(6, 4, encoded=2, bias=False), nn.BatchNorm1d(), rng=4),
        "in_branches": nn.Sequential(
            nn.Concatenate((), (shared, nn.BatchNorm1d(), nn.Tanh())),
            nn.Residual(projection, nn.BatchNorm1d(), shortcut=projection),
            nn.BatchNorm1d(),
            rng=3,
        ),
    }
    models = {name: randomized(model, 5) for name, model in models.items()}
    made = Library(tmp_path, COMPILERS[0], models)
    x = spread(54, np.float32, 2).reshape(9, 6)
    for name, model in models.items():
        assert_same_bits(made.predict(name, x), model.freeze().predict(x))


@needs_compiler
def test_softmax_of_any_logits_has_the_bits_of_the_predictor(tmp_path: Path) -> None:
    """Rows of 64 are the longest of one order of sums; huge and infinite logits take a path of their own."""
    models = {
        f"softmax_{n}_{np.dtype(dtype).name}": nn.Sequential(nn.Softmax(), in_features=n, dtype=dtype)
        for n in (1, 2, 63, 64, 65, 200)
        for dtype in FLOATS
    }
    made = Library(tmp_path, COMPILERS[0], models)
    for name, model in models.items():
        n = model.in_features
        x = spread(12 * n, np.float64, 1).reshape(12, n) * np.logspace(-3, 6, 12)[:, np.newaxis]
        x[3, 0], x[4, -1], x[5, n // 2] = np.inf, -np.inf, np.nan
        with np.errstate(all="ignore"):
            wanted = model.freeze().predict(x.astype(model.dtype))
        assert_same_bits(made.predict(name, x), wanted)


@needs_compiler
def test_a_stateful_model_goes_on(tmp_path: Path) -> None:
    """The parts of a series give the outputs of the whole; a reset begins again."""
    layers = (nn.LSTM(3, 5, stateful=True, return_sequences=True), nn.GRU(5, 4), nn.Dense(4, 2))
    model = nn.Sequential(*layers, rng=0)
    made, predictor = Library(tmp_path, COMPILERS[0], {"series": model}), model.freeze()
    x = spread(60, np.float32, 2).reshape(20, 3)
    for begin, end in ((0, 7), (7, 8), (8, 20)):
        y = np.empty(2, np.float32)
        assert made.call("series", x[begin:end], y, fresh=begin == 0) == 0
        assert_same_bits(y, predictor.predict(x[np.newaxis, begin:end])[0])
    assert made.call("series", x[:7], y) == 0
    assert_same_bits(y, model.freeze().predict(x[:7]))


@needs_compiler
@pytest.mark.parametrize("average", ["outputs", "probabilities"])
@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("sequences", [None, False, True])
def test_an_ensemble_has_the_bits_of_its_mean(
    average: Any, outputs: int, sequences: bool | None, tmp_path: Path
) -> None:
    def member(seed: int) -> nn.Sequential | nn.Predictor:
        first = nn.Dense(5, 4, "silu") if sequences is None else nn.RNN(5, 4, return_sequences=sequences)
        made = nn.Sequential(first, nn.Dense(4, outputs), rng=seed)
        return made.freeze() if seed % 2 else made

    ensemble = nn.Ensemble([member(seed) for seed in range(4)], [1, 0.3, 0, 2], average)
    x = spread(60, np.float32, 2).reshape((12, 5) if sequences is None else (3, 4, 5))
    made = Library(tmp_path, COMPILERS[0], {"mean": ensemble})
    assert_same_bits(made.predict("mean", x), ensemble.predict(x))


@needs_compiler
def test_an_index_out_of_range_is_told(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Embedding(columns={0: (4, 2)}, in_features=2), nn.Dense(3, 1), rng=0)
    made, y = Library(tmp_path, COMPILERS[0], {"lookup": model}), np.empty(1, np.float32)
    for first, status in ((0, 0), (3, 0), (4, -1), (-1, -1), (1.5, -1), (np.nan, -1), (1e30, -1)):
        assert made.call("lookup", np.array([first, 1], np.float32), y) == status


@needs_compiler
def test_no_steps_are_told(tmp_path: Path) -> None:
    made = Library(tmp_path, COMPILERS[0], {"series": nn.Sequential(nn.RNN(3, 2), rng=0)})
    assert made.call("series", np.empty((0, 3), np.float32), np.empty(2, np.float32)) == -1


@every_compiler
def test_rounded_arithmetic_is_close(compiler: str, tmp_path: Path) -> None:
    names = [name for name in nn.ACTIVATIONS if name != "binary_step"]
    branches = (nn.Dense(6, 7, name) for name in names)
    model = nn.Sequential(nn.Concatenate(*branches), nn.LayerNorm(), nn.Softmax(), rng=0)
    made = Library(tmp_path, compiler, {"rounded": model}, exact=False)
    x = spread(60, np.float32, 2).reshape(10, 6)
    np.testing.assert_allclose(made.predict("rounded", x), model(x), rtol=2e-5, atol=1e-7)


@every_compiler
def test_the_test_of_a_header_passes(compiler: str, tmp_path: Path) -> None:
    model = nn.Sequential(nn.Embedding(columns={1: (4, 2)}, in_features=3), nn.Dense(4, 2), rng=0)
    path = tmp_path / "net.h"
    simdnn.export_c(model, path)
    assert run_test(path, compiler) == "0 of 16 outputs differ\n"
    text = path.read_text()
    begin = text.index("net_test_y[")
    path.write_text(text[:begin] + text[begin:].replace("0x1.", "0x1.1", 1))
    with pytest.raises(AssertionError, match="1 of 16 outputs differ"):
        run_test(path, compiler)
