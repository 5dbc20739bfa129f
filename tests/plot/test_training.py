"""Pictures of trainings and networks: histories, flows, weights, rates, surfaces."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
import simdnn
from simdnn import History, diagnostics, nn, optim, plot
from simdnn.plot._flow import layer_outputs
from simdnn.plot._rate import smoothed, steepest
from simdnn.plot._surface import filter_normalized

from tests.support.pictures import data, fitted, overlaps, pyplot


@pytest.fixture(autouse=True)
def no_figures() -> Iterator[None]:
    yield
    pyplot.close("all")


def test_a_history_is_drawn() -> None:
    history = History(
        loss=[3, 2, 1], val_loss=[3, 1.5, 2], accuracy=[0.1, 0.5, 0.9], val_accuracy=[0.1, 0.4, 0.6]
    )
    losses, accuracies = plot.history(history)
    assert [list(line.get_ydata()) for line in losses.lines[:2]] == [history.loss, history.val_loss]
    assert [list(line.get_ydata()) for line in accuracies.lines[:2]] == [
        history.accuracy,
        history.val_accuracy,
    ]
    assert list(losses.lines[0].get_xdata()) == [1, 2, 3]
    assert [text.get_text() for text in losses.texts] == ["training", "validation"]
    assert losses.get_title() == "Lowest validation loss: 1.5 in epoch 2"
    assert accuracies.get_title() == "Highest validation accuracy: 60 % in epoch 3"
    assert losses.lines[-1].get_xydata().tolist() == [[2, 1.5]]
    assert losses.lines[0].get_linestyle() != losses.lines[1].get_linestyle()


def test_a_regression_has_one_panel() -> None:
    (axes,) = plot.history(History(loss=[2, 1]))
    assert axes.get_title() == "Lowest training loss: 1 in epoch 2"


def test_several_histories_are_overlaid_by_name() -> None:
    losses, _ = plot.history({"slow": fitted(), "fast": fitted(12, 2.0)})
    assert [text.get_text() for text in losses.texts] == [
        f"{name} {part}" for name in ("slow", "fast") for part in ("training", "validation")
    ]
    assert losses.get_title().endswith("of fast")
    assert len({line.get_color() for line in losses.lines[:2]}) == 1


def test_a_loss_that_is_not_finite_has_a_picture() -> None:
    (axes,) = plot.history(History(loss=[math.nan, math.inf]))
    assert axes.get_title() == "The loss is never a finite number"
    (axes,) = plot.history(History(loss=[1.0, 0.5, math.nan]))
    assert axes.get_title() == "Lowest training loss: 0.5 in epoch 2"
    axes.figure.canvas.draw()


def test_losses_of_many_decades_have_a_logarithmic_scale() -> None:
    (axes,) = plot.history(History(loss=[100, 1, 0.01]))
    assert axes.get_yscale() == "log"


def gradients_of(model: nn.Sequential) -> dict[str, np.ndarray]:
    """All gradients of each layer, by a forward and a backward pass of our own."""
    x, y, _ = data()
    copy = nn.Sequential.from_dict(model.to_dict())
    copy.load_state_dict(model.state_dict())
    probabilities = simdnn.functional.softmax(copy.forward(x, training=True))
    copy.backward((probabilities - np.eye(3)[y]) / len(x))
    found: dict[str, list[np.ndarray]] = {}
    for name, value in copy.gradients().items():
        found.setdefault(name[0], []).append(value.ravel())
    return {name: np.concatenate(values) for name, values in found.items()}


def test_gradient_flow_shows_the_distribution() -> None:
    x, y, model = data()
    axes = plot.gradient_flow(model, x, y)
    tails = [line for line in axes.lines if line.get_label() == "_tails"]
    halves = [line for line in axes.lines if line.get_label() == "_half"]
    (marks,) = [line for line in axes.lines if line.get_label() == "layers"]
    for i, gradient in enumerate(gradients_of(model).values()):
        low, first, third, high = np.quantile(np.abs(gradient), [0.05, 0.25, 0.75, 0.95])
        assert tails[i].get_ydata() == pytest.approx([low, high], rel=1e-3)
        assert halves[i].get_ydata() == pytest.approx([first, third], rel=1e-3)
        assert marks.get_ydata()[i] == pytest.approx(np.sqrt(np.square(gradient).mean()), rel=1e-3)
    assert axes.get_yscale() == "log"


def test_gradient_flow_of_a_report_shows_its_numbers() -> None:
    model = nn.Sequential(nn.Dense(3, 4), nn.Tanh(), nn.Dense(4, 2), rng=0)
    report = diagnostics.report(model, np.eye(3), [0, 1, 0])
    axes = plot.gradient_flow(report)
    (marks,) = [line for line in axes.lines if line.get_label() == "layers"]
    assert list(marks.get_ydata()) == [report.layers[i].gradient_rms for i in (0, 2)]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "2"]
    assert axes.get_title().lower().replace("\n", " ").startswith(report.verdict.lower())
    assert len(axes.patches) == 1


def test_vanishing_gradients_leave_the_healthy_band() -> None:
    layers = [nn.Dense(8, 8, activation="sigmoid") for _ in range(20)]
    model = nn.Sequential(*layers, nn.Dense(8, 2), rng=0)
    axes = plot.gradient_flow(model, np.eye(8), np.arange(8) % 2)
    assert "vanishing gradients" in axes.get_title().lower()
    (marks,) = [line for line in axes.lines if line.get_label() == "layers"]
    band = axes.patches[0].get_extents().transformed(axes.transData.inverted())
    assert marks.get_ydata()[0] < band.y0 < marks.get_ydata()[-1] < band.y1


def test_exploding_gradients_are_above_the_healthy_band() -> None:
    model = nn.Sequential(*[nn.Dense(8, 8, "relu") for _ in range(6)], nn.Dense(8, 2), rng=0)
    model.flat_parameters[:] *= 300
    axes = plot.gradient_flow(model, np.eye(8), np.arange(8) % 2)
    (marks,) = [line for line in axes.lines if line.get_label() == "layers"]
    band = axes.patches[0].get_extents().transformed(axes.transData.inverted())
    assert (marks.get_ydata() > band.y1).all()


def test_numbers_that_are_not_finite_have_a_picture() -> None:
    model = nn.Sequential(nn.Dense(4, 4), nn.Dense(4, 2), rng=0)
    model.flat_parameters[:] = np.nan
    plot.gradient_flow(model, np.eye(4), [0, 1, 0, 1]).figure.canvas.draw()
    axes = plot.activation_flow(model, np.eye(4))
    assert axes.get_title() == "Outputs are not finite from layer 0 on"
    plot.weights(model).figure.canvas.draw()


def test_outputs_of_layers_are_those_of_a_training_step() -> None:
    x, _, model = data()
    outputs = layer_outputs(model, x)
    values = model.parameters()
    first = np.maximum(x @ values["0.weight"] + values["0.bias"], 0)
    second = np.tanh(first @ values["1.weight"] + values["1.bias"])
    for found, wanted in zip(
        outputs, (first, second, second @ values["2.weight"] + values["2.bias"]), strict=True
    ):
        assert found == pytest.approx(wanted, rel=1e-4, abs=1e-5)


def test_activation_flow_shows_the_distribution() -> None:
    x, _, model = data()
    axes = plot.activation_flow(model, x)
    halves = [line.get_ydata() for line in axes.lines if line.get_label() == "_half"]
    for half, output in zip(halves, layer_outputs(model, x), strict=True):
        assert half == pytest.approx(np.quantile(output, [0.25, 0.75]), rel=1e-5)


@pytest.mark.parametrize(("scale", "word"), [(0.1, "shrink"), (10.0, "grow"), (1.0, "keep their scale")])
def test_titles_tell_how_outputs_change(scale: float, word: str) -> None:
    rng = np.random.default_rng(0)
    model = nn.Sequential(*[nn.Dense(32, 32, init="orthogonal") for _ in range(5)], rng=0)
    model.flat_parameters[:] *= scale
    axes = plot.activation_flow(model, rng.standard_normal((100, 32)))
    assert word in axes.get_title()
    axes.figure.canvas.draw()


def test_weights_are_histograms() -> None:
    _, _, model = data()
    axes = plot.weights(model, bins=10)
    for row, line in enumerate(axes.lines):
        counts = np.histogram(model.parameters()[line.get_label()], np.linspace(*axes.get_xlim(), 11))[0]
        assert (row - np.asarray(line.get_ydata())) / 0.85 == pytest.approx(counts / counts.max())
    spread = [text.get_text() for text in axes.texts][:3]
    assert spread == [f"{value.std():.3g}" for value in list(model.parameters().values())[::2]]


def test_network_counts_parameters_and_joins_equal_layers() -> None:
    hidden = [nn.Residual(nn.Dense(8, 8)) for _ in range(4)]
    model = nn.Sequential(nn.Dense(3, 8, activation="relu"), *hidden, nn.Dense(8, 1), rng=0)
    axes = plot.network(model)
    assert [text.get_text() for text in axes.texts] == [
        "input", "(n, 3)",
        "Dense, relu", "(n, 8)\n32 parameters",
        "Residual of Dense \u00d7 4", "(n, 8)\n288 parameters",
        "Dense", "(n, 1)\n9 parameters",
    ]  # fmt: skip
    assert axes.get_title() == f"6 layers, {model.flat_parameters.size} parameters"


def test_network_shows_sequences() -> None:
    axes = plot.network(nn.Sequential(nn.LSTM(4, 8), nn.Dense(8, 2), rng=0))
    assert axes.texts[1].get_text() == "(n, time, 4)"


def test_paths_are_those_of_the_formulas() -> None:
    axes = plot.optimizer_paths(
        lambda x, y: 0.5 * x * x + 2 * y * y,
        optimizers={
            "SGD": lambda p: optim.SGD(p, lr=0.1),
            "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.5),
        },
        start=(1.0, 1.0),
        steps=5,
    )
    lines = {line.get_label(): line for line in axes.lines if not str(line.get_label()).startswith("_")}
    steps = np.arange(6)
    assert lines["SGD"].get_xdata() == pytest.approx(0.9**steps)
    assert lines["SGD"].get_ydata() == pytest.approx(0.6**steps)
    x, velocity = [1.0], 0.0
    for _ in range(5):
        velocity = 0.5 * velocity + x[-1]
        x.append(x[-1] - 0.1 * velocity)
    assert lines["momentum"].get_xdata() == pytest.approx(x)
    assert axes.get_title().startswith("After 5 steps")


def test_paths_use_a_given_gradient_and_end_where_they_diverge() -> None:
    axes = plot.optimizer_paths(
        lambda x, y: x**4 + y**2,
        lambda x, y: (4 * x**3, 2 * y),
        optimizers={"SGD": lambda p: optim.SGD(p, lr=1.0)},
        start=(3.0, 1.0),
        steps=50,
    )
    assert len(axes.lines[0].get_xdata()) < 50
    axes.figure.canvas.draw()


def test_the_default_paths_have_all_six_optimizers() -> None:
    axes = plot.optimizer_paths()
    names = ["SGD", "momentum", "Nesterov", "Adagrad", "RMSprop", "Adam"]
    assert [text.get_text() for text in axes.texts] == names


def test_directions_have_the_norms_of_the_units() -> None:
    _, _, model = data()
    direction = filter_normalized(model, np.random.default_rng(0))
    start = 0
    for value in model.parameters().values():
        part = direction[start : start + value.size].reshape(value.shape)
        start += value.size
        if value.ndim == 1:
            assert not part.any()
        else:
            norms = [np.linalg.norm(a.astype(np.float64), axis=0) for a in (part, value)]
            assert norms[0] == pytest.approx(norms[1])


def test_the_middle_of_a_surface_is_the_loss() -> None:
    x, y, model = data()
    loss, _ = simdnn.Trainer(model).evaluate(x, y)
    assert plot.loss_surface(model, x, y, points=5).get_title().startswith(f"Loss {loss:.3g} at the weights")


def test_the_rate_of_the_fastest_fall_is_marked() -> None:
    x, y, _ = data()
    model = nn.Sequential(nn.Dense(8, 16, activation="relu"), nn.Dense(16, 3), rng=0)
    axes = plot.learning_rate_finder(model, x, y, optimizer="sgd", low=1e-3, high=100)
    rate = float(np.asarray(axes.lines[-1].get_xdata())[0])
    assert 0.01 < rate < 10
    assert axes.get_title() == f"The loss falls fastest at a rate of {rate:.2g}"
    losses = axes.lines[0].get_ydata()
    assert losses[0] == pytest.approx(np.log(3), rel=0.5)
    assert axes.get_xscale() == "log"


def test_the_noise_of_batches_is_no_fall() -> None:
    """Flat, then a fall of 0.4 from step 50 to step 80, then a rise; each loss has noise."""
    step = np.arange(100)
    loss = 1 - 0.4 * np.clip((step - 50) / 30, 0, 1) + 0.05 * np.maximum(step - 85, 0)
    for seed in range(50):
        noise = np.random.default_rng(seed).normal(scale=0.12, size=100)
        assert 50 < (steepest(smoothed(loss + noise)) or 0) < 85


@pytest.mark.parametrize(("losses", "step"), [([1, 2, 3, 4], None), ([3, 2, 1], 1), ([3, 3, 1, 3], 1)])
def test_few_losses_have_a_fastest_fall(losses: list[float], step: int | None) -> None:
    assert steepest(np.array(losses, float)) == step


def test_an_optimizer_is_copied() -> None:
    x, y, model = data()
    optimizer = optim.SGD(lr=0.5)
    plot.learning_rate_finder(model, x, y, optimizer=optimizer)
    assert optimizer.lr == 0.5
    simdnn.Trainer(model, optimizer=optimizer)  # it is bound to no other trainer


def test_rates_that_are_too_small_are_named() -> None:
    x, _, model = data()
    axes = plot.learning_rate_finder(
        model, x, np.zeros(200, int), low=1e2, high=1e3, optimizer="sgd", steps=10
    )
    assert axes.get_title()


#: Networks with layers of every kind, and samples for them.
KINDS = {
    "recurrent": (lambda: [nn.LSTM(4, 6), nn.Dense(6, 3)], (5, 4)),
    "embedding": (lambda: [nn.Embedding(3, 2, in_features=4), nn.Dense(8, 3)], None),
    "normalized": (
        lambda: [nn.Dense(4, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(0.5), nn.Dense(6, 3)],
        (4,),
    ),
    "nested": (lambda: [nn.Residual(nn.Dense(4, 4, activation="tanh")), nn.Dense(4, 3)], (4,)),
    "margin": (lambda: [nn.Dense(4, 6), nn.LargeMarginSoftmax(6, 3)], (4,)),
}


@pytest.mark.parametrize("name", KINDS)
def test_layers_of_every_kind_have_pictures(name: str) -> None:
    make, shape = KINDS[name]
    model = nn.Sequential(*make(), rng=0)
    rng = np.random.default_rng(0)
    x = rng.integers(0, 3, (32, 4)) if shape is None else rng.standard_normal((32, *shape))
    y = np.arange(32) % 3
    before = model.state_dict()
    for draw in (
        lambda: plot.gradient_flow(model, x, y),
        lambda: plot.activation_flow(model, x),
        lambda: plot.weights(model),
        lambda: plot.network(model),
        lambda: plot.loss_surface(model, x, y, points=3),
        lambda: plot.learning_rate_finder(model, x, y, steps=10),
    ):
        figure = draw().figure
        assert not overlaps(figure)
        pyplot.close(figure)
    assert all(np.array_equal(value, before[key]) for key, value in model.state_dict().items())


def test_pictures_leave_carried_states_alone() -> None:
    """Copies carry states, too, but pictures begin with initial ones, whatever the size of their samples."""
    model = nn.Sequential(nn.GRU(3, 5, stateful=True), nn.Dense(5, 3), rng=0)
    x, y = np.random.default_rng(0).standard_normal((8, 4, 3)), np.arange(8) % 3
    model(x[:3])
    kept = model._model.states
    for draw in (
        lambda: plot.gradient_flow(model, x, y),
        lambda: plot.activation_flow(model, x),
        lambda: plot.loss_surface(model, x, y, points=3),
        lambda: plot.learning_rate_finder(model, x, y, steps=10),
    ):
        assert draw().get_title()
        assert np.array_equal(kept, model._model.states)


def test_a_regression_has_pictures() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((64, 3))
    model = nn.Sequential(nn.Dense(3, 8, activation="tanh"), nn.Dense(8, 1), rng=0)
    y = x[:, :1] ** 2
    assert plot.gradient_flow(model, x, y, loss="mse").get_title()
    assert plot.loss_surface(model, x, y, loss="mse", points=3).get_title().startswith("Loss ")
    assert plot.learning_rate_finder(model, x, y, loss="mse").get_title().startswith("The loss falls fastest")
    assert plot.residuals.from_estimator(model, x, y).get_title().startswith("R²")


def test_a_trainer_stands_for_its_network_and_loss() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((64, 3)).astype(np.float32)
    y = x[:, :1] ** 2
    model = nn.Sequential(nn.Dense(3, 8, activation="tanh"), nn.Dense(8, 1), rng=0)
    trainer = simdnn.Trainer(model, loss="mse", optimizer=optim.SGD(lr=0.1), seed=0)
    for draw in (
        lambda own, **given: plot.gradient_flow(own, x, y, **given).lines[-1],
        lambda own, **given: plot.loss_surface(own, x, y, points=3, **given).lines[-1],
        lambda own, **given: plot.learning_rate_finder(
            own, x, y, low=1e-3, **given, **({"optimizer": "sgd"} if given else {})
        ).lines[0],
    ):
        assert np.array_equal(draw(trainer).get_xydata(), draw(model, loss="mse").get_xydata())
    assert plot.network(trainer).get_title() == plot.network(model).get_title()
    assert plot.weights(trainer).get_title() == plot.weights(model).get_title()
    assert plot.activation_flow(trainer, x).get_title() == plot.activation_flow(model, x).get_title()
    assert trainer.optimizer.lr == 0.1
