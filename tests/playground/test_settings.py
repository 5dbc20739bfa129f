"""Settings make the network of the program on the page; prepared ones have their illness, and are healed."""

from __future__ import annotations

import base64
import contextlib
import io
import json
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from simdnn import Trainer, diagnostics, nn, optim, playground
from simdnn.diagnostics._rules import RULES
from simdnn.playground._data import NAMES, POINTS, SHAPES, Samples
from simdnn.playground._frame import SIDE, View
from simdnn.playground._network import blocks_of, make_trainer, program
from simdnn.playground._presets import PRESETS, Preset
from simdnn.playground._session import Session
from simdnn.playground._settings import INITIALIZERS, WITH_MOMENTUM, Settings, checked, described

#: Settings that differ from the defaults, each alone.
ALONE: list[dict[str, Any]] = [
    {},
    {"layers": 0},
    {"layers": 3, "widths": [7, 5, 3], "residual": True},
    {"layers": 6, "residual": True, "norm": "batch", "dropout": 0.1},
    {"layers": 3, "norm": "layer"},
    {"gain": 2.0, "bias": -0.5, "norm": "batch"},
    {"l1": 1e-3, "l2": 1e-3, "clip": 1.0},
    {"momentum": 0.9, "optimizer": "sgd"},
    {"momentum": 0.9, "optimizer": "adam"},
    {"weighted": True, "data": "rare"},
    {"batch": 1024, "seed": 3, "noise": 0.5},
    *({"activation": name} for name in nn.ACTIVATIONS),
    *({"init": name} for name in INITIALIZERS),
    *({"optimizer": name} for name in optim.BY_NAME),
    *({"data": name} for name in SHAPES),
]


def made(given: dict[str, Any]) -> tuple[Trainer, Samples, Settings]:
    settings = checked(given)
    samples = playground.samples(settings.data, settings.noise, settings.seed)
    return make_trainer(settings, samples, blocks_of(settings, samples)), samples, settings


@pytest.mark.parametrize("given", ALONE, ids=str)
def test_the_program_of_the_page_has_the_bits_of_its_training(given: dict[str, Any]) -> None:
    session = Session(checked(given), lease=1e9)
    session.control("run", "full")
    while session.snapshot(0, 0).steps == 0:
        session.snapshot(session.snapshot(0, 0).version, 1)
    session.close(10)
    names: dict[str, Any] = {}
    trained = session.snapshot(0, 0).trainer
    assert trained.epochs_done > 0
    text = session.program.replace("epochs=100", f"epochs={trained.epochs_done}")
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(text, "program", "exec"), names)
    assert np.array_equal(names["model"].flat_parameters, trained.model.flat_parameters, equal_nan=True), (
        session.program
    )
    assert "verdict: " in printed.getvalue()


def test_every_setting_reaches_the_training() -> None:
    """Another value of a setting gives other parameters after an epoch."""
    base = {"data": "rare", "layers": 3, "optimizer": "sgd", "noise": 0.2}
    others: dict[str, Any] = {
        "data": "xor",
        "noise": 0.3,
        "layers": 2,
        "widths": [7],
        "activation": "relu",
        "norm": "batch",
        "residual": True,
        "init": "ones",
        "gain": 2.0,
        "bias": 1.0,
        "seed": 1,
        "optimizer": "adam",
        "lr": 0.1,
        "momentum": 0.5,
        "batch": 8,
        "weighted": True,
        "dropout": 0.5,
        "l1": 0.1,
        "l2": 0.1,
        "clip": 0.01,
    }
    assert others.keys() == {one.name for one in fields(Settings)}
    found = {}
    for name, value in {"": None, **others}.items():
        trainer, samples, settings = made(base | ({name: value} if name else {}))
        trainer.fit(samples.x, samples.y, epochs=1, batch_size=settings.batch)
        found[name] = trainer.model.flat_parameters.tobytes()
    assert len(set(found.values())) == len(found)


@pytest.mark.parametrize("seed", range(40))
def test_random_settings_train_and_have_a_picture(seed: int) -> None:
    session = Session(checked(drawn(np.random.default_rng(seed))), lease=1e9)
    view = View(session)
    json.dumps(view.description(), allow_nan=False)
    session.control("epoch")
    frame = view.frame(0, 0)
    while frame["state"] in ("running", "paused") and frame["steps"] == 0:
        frame = view.frame(frame["version"], 1)
    session.close(10)
    assert frame["state"] in ("paused", "diverged")
    assert len(frame["layers"]) == session.settings.layers + 1
    assert len(base64.b64decode(frame["seen"])) == SIDE * SIDE
    json.dumps(frame, allow_nan=False)


def drawn(random: np.random.Generator) -> dict[str, Any]:
    """A random value of each setting."""
    found: dict[str, Any] = {}
    for row in described():
        kind, low, high = row["kind"], row.get("low", 0), row.get("high", 1)
        if kind == "choice":
            found[row["name"]] = str(random.choice([one for one in row["choices"] if one != "digits"]))
        elif kind == "number":
            found[row["name"]] = min(max(low, random.choice([-1, 1]) * 10 ** random.uniform(-6, 3)), high)
        elif kind == "integer":
            found[row["name"]] = int(min(high, low + 10 ** random.uniform(0, 3)))
        elif kind == "flag":
            found[row["name"]] = bool(random.integers(2))
    found["layers"] = int(random.integers(0, 9))
    return found | {"widths": random.integers(1, 20, max(found["layers"], 1)).tolist()}


def test_the_bias_and_the_gain_are_those_of_hidden_layers() -> None:
    plain, *_ = made({"layers": 2, "norm": "batch"})
    scaled, *_ = made({"layers": 2, "norm": "batch", "gain": 3.0, "bias": -2.0})
    values, others = scaled.model.parameters(), plain.model.parameters()
    for layer in ("0", "3"):
        assert np.array_equal(values[f"{layer}.weight"], 3 * others[f"{layer}.weight"])
        assert (values[f"{layer}.bias"] == -2).all()
    for name in ("1.weight", "1.bias", "6.weight", "6.bias"):
        assert np.array_equal(values[name], others[name])


def test_the_page_knows_which_settings_have_an_effect() -> None:
    needs = {row["name"]: row["needs"] for row in described() if "needs" in row}
    assert needs == {"noise": ("data", tuple(SHAPES)), "momentum": ("optimizer", WITH_MOMENTUM)}
    with_momentum = {name for name, make in optim.BY_NAME.items() if hasattr(make(), "momentum")}
    assert with_momentum == set(WITH_MOMENTUM)


@pytest.mark.parametrize("name", SHAPES)
def test_points_are_scaled_and_drawn_by_their_seed(name: str) -> None:
    found, other = playground.samples(name, 0.1, 0), playground.samples(name, 0.1, 1)
    assert found.x.shape == found.x_test.shape == (POINTS, 2)
    assert found.x.dtype == np.float32
    both = np.concatenate([found.x, found.x_test]).astype(np.float64)
    assert np.allclose(both.mean(axis=0), 0, atol=1e-5)
    assert np.allclose(both.std(axis=0), 1, atol=1e-5)
    assert not np.array_equal(found.x, other.x)
    assert np.array_equal(found.x, playground.samples(name, 0.1, 0).x)
    shares = np.bincount(found.y) / POINTS
    assert (shares.min() < 0.1) == (name == "rare")
    assert shares.min() > 0.03
    assert abs(np.bincount(found.y) - np.bincount(found.y_test)).max() <= 1


def test_digits_are_split() -> None:
    pytest.importorskip("sklearn", reason="needs the extra [demo]: scikit-learn")
    x, y, x_test, y_test = playground.samples("digits", seed=1)
    assert len(x) + len(x_test) == 1797
    assert set(y) == set(y_test) == set(range(10))
    assert (x.min(), x.max()) == (0, 1)


def test_digits_without_scikit_learn_are_an_error_that_names_the_extra(monkeypatch: Any) -> None:
    playground._data._digits.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "sklearn.datasets", None)
    with pytest.raises(ImportError, match=r"simdnn\[demo\]"):
        playground.samples("digits")


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (("cats",), ValueError, "data: 'cats' is not known"),
        (("xor", 2.0), ValueError, "noise: expected a finite number from 0 to 1, got 2"),
        (("xor", 0.1, -1), ValueError, "seed: expected an integer >= 0"),
        (("xor", "0.1"), TypeError, "noise: expected a number, got str"),
    ],
)
def test_arguments_of_samples_are_checked(
    arguments: tuple[Any, ...], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        playground.samples(*arguments)


def reports(settings: dict[str, Any], *epochs: int) -> Iterator[tuple[diagnostics.Report, float]]:
    """Reports at some epochs, with the accuracy of the training."""
    trainer, samples, checked_settings = made(settings)
    for count in epochs:
        if count:
            trainer.fit(samples.x, samples.y, epochs=count, batch_size=checked_settings.batch)
        accuracy = trainer.evaluate(samples.x, samples.y)[1]
        yield diagnostics.report(trainer, samples.x[:256], samples.y[:256]), accuracy


@pytest.mark.parametrize("name", PRESETS)
def test_prepared_settings_have_their_illness_and_the_remedy_heals(name: str) -> None:
    preset = PRESETS[name]
    if preset.settings.get("data") == "digits":
        pytest.importorskip("sklearn", reason="needs the extra [demo]: scikit-learn")
    found = [one.problems for one, _ in reports(preset.settings, 0, 10, 50)]
    if preset.problem is not None:
        assert any(preset.problem in problems for problems in found), found
    elif preset.remedy is None:
        assert not any(found)
    if preset.remedy is not None:
        healed = list(reports(preset.settings | preset.remedy[1], 0, 50, 100, 200))
        assert [one.verdict for one, _ in healed] == ["healthy"] * 4
        assert healed[-1][1] > (0.95 if preset.settings.get("data") is None else 0.75)


def test_an_overfitted_network_has_a_gap_that_the_penalty_closes() -> None:
    preset, gaps = PRESETS["overfitting"], []
    for settings in (preset.settings, preset.settings | preset.remedy[1]):
        trainer, s, _ = made(settings)
        trainer.fit(s.x, s.y, epochs=800, batch_size=16)
        gaps.append(trainer.evaluate(s.x_test, s.y_test)[0] - trainer.evaluate(s.x, s.y)[0])
    assert gaps[0] > 0.5
    assert gaps[1] < 0.1


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_prepared_settings_are_known_and_have_words(preset: Preset) -> None:
    for settings in (preset.settings, preset.settings | (preset.remedy or ("", {}))[1]):
        blocks_of(checked(settings), playground.samples("circles"))
    assert preset.problem is None or preset.problem in RULES
    assert preset.title
    assert preset.lesson.endswith(".")


def test_every_data_set_is_a_choice() -> None:
    (row,) = [row for row in described() if row["name"] == "data"]
    assert row["choices"] == NAMES


def test_a_repeated_layer_is_written_once() -> None:
    settings = checked({"layers": 30})
    samples = playground.samples("circles")
    text = program(settings, blocks_of(settings, samples))
    assert "*(one for _ in range(29) for one in [nn.Dense(8, 8, activation='tanh')])," in text
    assert len(text.splitlines()) < 20
