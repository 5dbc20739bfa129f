"""Pictures of predictions: confusion matrices, calibration, residuals, decision boundaries."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import simdnn
from simdnn import nn, plot

from tests.support.pictures import data, flat, probabilities, pyplot


@pytest.fixture(autouse=True)
def no_figures() -> Iterator[None]:
    yield
    pyplot.close("all")


@pytest.fixture
def metrics() -> Any:
    return pytest.importorskip("sklearn.metrics", reason="needs the extra [sklearn]: scikit-learn")


@pytest.mark.parametrize("normalize", [None, "true", "pred", "all"])
@pytest.mark.parametrize("labels", [None, [2, 0], [0, 1, 2, 3]])
@pytest.mark.parametrize("weighted", [False, True])
def test_confusion_matrix_agrees_with_scikit_learn(
    metrics: Any, normalize: Any, labels: Any, weighted: bool
) -> None:
    rng = np.random.default_rng(0)
    true, predicted = rng.integers(0, 3, (2, 100))
    weight = rng.random(100) if weighted else None
    options = {"labels": labels, "normalize": normalize, "sample_weight": weight}
    axes = plot.confusion_matrix(true, predicted, **options)
    wanted = metrics.confusion_matrix(true, predicted, **options)
    assert np.asarray(axes.images[0].get_array()) == pytest.approx(wanted)
    names = [str(label) for label in (labels or [0, 1, 2])]
    assert [label.get_text() for label in axes.get_yticklabels()] == names


@pytest.mark.parametrize("labels", [[0, 1], ["a", "b"]])
def test_a_confusion_matrix_of_no_samples_is_zero(labels: Any) -> None:
    image = plot.confusion_matrix([], [], labels=labels).images[0]
    assert np.asarray(image.get_array()).tolist() == [[0, 0], [0, 0]]


def test_confusion_matrix_writes_its_numbers_and_the_worst_mistake() -> None:
    axes = plot.confusion_matrix(["cat", "cat", "cat", "dog"], ["cat", "dog", "dog", "dog"])
    assert [(text.get_position(), text.get_text()) for text in axes.texts] == [
        ((0, 0), "1"), ((1, 0), "2"), ((1, 1), "1"),
    ]  # fmt: skip
    assert axes.get_title().replace("\n", " ") == "50 % right; most often cat is taken for dog"
    assert not plot.confusion_matrix([0, 1], [0, 1], include_values=False).texts
    assert plot.confusion_matrix([0, 1], [0, 1]).get_title() == "100 % right"
    assert (
        plot.confusion_matrix([0, 0, 1, 1], [0, 1, 0, 1]).get_title() == "50 % right"
    )  # no mistake is the worst


@pytest.mark.parametrize("classes", [[None, "a"], [np.nan, 1], np.array([1, "a"], object)])
def test_classes_without_an_order_are_refused(classes: Any) -> None:
    with pytest.raises(ValueError, match=r"^y_true(, y_pred)?: expected (classes|words alone)"):
        plot.confusion_matrix(classes, classes[::-1])


@pytest.mark.parametrize("weight", [np.nan, np.inf])
def test_weights_of_a_confusion_matrix_are_finite(weight: float) -> None:
    with pytest.raises(ValueError, match=rf"^sample_weight\[1\]: expected a finite number, got {weight}"):
        plot.confusion_matrix([0, 1], [0, 1], sample_weight=[1, weight])


def models() -> list[Any]:
    """Equal classifiers of all kinds."""
    model = data()[2]
    return [model, model.freeze(), nn.Ensemble([model, model]), simdnn.Trainer(model, seed=0)]


@pytest.mark.parametrize("kind", range(4))
def test_every_kind_of_model_gives_the_same_pictures(kind: int) -> None:
    x, y, model = data()
    axes = plot.confusion_matrix.from_estimator(models()[kind], x, y)
    wanted = plot.confusion_matrix.from_predictions(y, model(x).argmax(axis=1))
    assert np.array_equal(axes.images[0].get_array(), wanted.images[0].get_array())
    curve = plot.calibration.from_estimator(models()[kind], x, y).lines[-1]
    again = plot.calibration.from_predictions(y, simdnn.functional.softmax(model(x))).lines[-1]
    assert curve.get_xydata() == pytest.approx(again.get_xydata(), rel=1e-5)


def test_one_logit_decides_between_two_classes() -> None:
    model = nn.Sequential(nn.Dense(1, 1, bias=False), rng=0)
    model.flat_parameters[:] = 1
    x = np.float32([[-2], [-1], [1], [2]])
    axes = plot.confusion_matrix.from_estimator(model, x, [0, 1, 1, 1])
    assert axes.images[0].get_array().tolist() == [[1, 0], [1, 2]]
    curve = plot.calibration.from_estimator(model, x, [0, 1, 1, 1], n_bins=2).lines[-1]
    sigmoid = 1 / (1 + np.exp(-x[:, 0]))
    assert curve.get_xdata() == pytest.approx([sigmoid[:2].mean(), sigmoid[2:].mean()])


def test_estimators_of_scikit_learn_are_taken(metrics: Any) -> None:
    from simdnn.sklearn import MLPClassifier, MLPRegressor

    x, y, _ = flat()
    names = np.array(["ant", "bee", "cat"])[y]
    classifier = MLPClassifier(hidden_layer_sizes=(8,), solver="lbfgs", random_state=0, max_iter=300).fit(
        x, names
    )
    axes = plot.confusion_matrix.from_estimator(classifier, x, names)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["ant", "bee", "cat"]
    boundary = plot.decision_boundary(classifier, x, names, grid_resolution=20)
    assert [text.get_text() for text in boundary.texts] == ["ant", "bee", "cat"]
    regressor = MLPRegressor(hidden_layer_sizes=(8,), solver="lbfgs", random_state=0, max_iter=300).fit(
        x, x[:, 0]
    )
    offsets = plot.residuals.from_estimator(regressor, x, x[:, 0]).collections[0].get_offsets()
    assert np.asarray(offsets[:, 0]) == pytest.approx(regressor.predict(x))


@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
@pytest.mark.parametrize("n_bins", [1, 5, 12])
def test_calibration_agrees_with_scikit_learn(metrics: Any, strategy: Any, n_bins: int) -> None:
    calibration_curve = pytest.importorskip("sklearn.calibration").calibration_curve
    true, probability = probabilities()
    axes = plot.calibration(true, probability, n_bins=n_bins, strategy=strategy)
    fractions, means = calibration_curve(true, probability, n_bins=n_bins, strategy=strategy)
    (curve,) = [line for line in axes.lines if line.get_label() == "bins"]
    assert curve.get_xydata() == pytest.approx(np.stack([means, fractions], axis=1))


def test_calibration_says_in_which_direction_it_is_wrong() -> None:
    rng = np.random.default_rng(0)
    p = rng.random(4000)
    for slope, word in ((1.0, "Well calibrated"), (0.3, "Too confident"), (0.0, "Too confident")):
        true = (rng.random(4000) < 0.5 + slope * (p - 0.5)).astype(int)
        assert plot.calibration(true, p).get_title().startswith(word)
    certain = (p > 0.5).astype(int)
    assert plot.calibration(certain, p).get_title().startswith("Too cautious")
    assert plot.calibration(1 - certain, p, pos_label=0).get_title().startswith("Too cautious")


def test_calibration_takes_the_column_of_its_positive_class() -> None:
    true, probability = probabilities()
    both = np.stack([1 - probability, probability], axis=1)
    words = np.array(["no", "yes"])[true]
    for classes, chosen in ((true, 0), (words, "no"), (words.astype(object), "no")):
        found = plot.calibration(classes, both, pos_label=chosen).lines[-1].get_xydata()
        wanted = plot.calibration(1 - true, 1 - probability).lines[-1].get_xydata()
        assert found == pytest.approx(wanted)
    for nothing in (np.zeros(4), np.full(4, -1)):  # the positive class, 1, does not occur
        assert plot.calibration(nothing, np.full(4, 0.25)).lines[-1].get_xydata().tolist() == [[0.25, 0]]


P = np.array([0.1, 0.2, 0.6, 0.9])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: plot.calibration(list("abab"), P, pos_label="zz"),
            "pos_label: expected 'a' or 'b', got 'zz'",
        ),
        (lambda: plot.calibration([0, 1, 0, 1], P, pos_label="1"), "y_true, pos_label: .* words alone"),
        (lambda: plot.calibration([0, 0, 0, 0], P, pos_label="1"), "y_true, pos_label: .* words alone"),
        (lambda: plot.calibration([0, 1, 2, 1], P), "y_true: expected two classes, got 3"),
        (lambda: plot.calibration([0, 1, 2, 1], np.stack([P, 1 - P], 1)), "y_true: expected two classes"),
        (lambda: plot.calibration([0, 1, np.nan, 1], P), "y_true: expected classes, got None or NaN"),
        (lambda: plot.calibration(np.array([0, 1, None, 1]), P), "y_true: expected classes, got None or NaN"),
        (lambda: plot.calibration([0, 1, 3, 1], np.eye(4)[:, :3]), "y_true: expected classes from 0 to 2"),
        (lambda: plot.calibration([0, 1, -1, 1], np.eye(4)[:, :3]), "y_true: expected classes from 0 to 2"),
        (
            lambda: plot.calibration([0, 1, 2, 1], np.eye(4), pos_label=1),
            "pos_label: expected None .*4 classes",
        ),
        (
            lambda: plot.confusion_matrix([0, 1], [0, 1], labels=["0", "1"]),
            "y_true, y_pred, labels: .* alone",
        ),
        (lambda: plot.confusion_matrix([0, 1], ["a", "b"]), "y_true, y_pred: .* words alone"),
        (lambda: plot.confusion_matrix([0, 1], [0, 1], labels=[5]), "labels: .*one of the classes in y_true"),
        (lambda: plot.confusion_matrix([0, 1], [5, 5], labels=[5]), "labels: .*one of the classes in y_true"),
        (lambda: plot.confusion_matrix([0, 1], [0, 1], labels=[0, 0, 1]), "labels: expected each class once"),
        (lambda: plot.confusion_matrix([0, np.nan], [0, 1]), "expected classes, got"),
        (lambda: plot.decision_boundary(boundary(), np.eye(2), ["a", "b"]), "y, the estimator's .* alone"),
        (lambda: plot.decision_boundary(boundary(), np.eye(2), [0, np.nan]), "y: expected classes, got"),
    ],
)
def test_classes_of_which_no_picture_tells_are_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def boundary() -> nn.Sequential:
    return nn.Sequential(nn.Dense(2, 2), rng=0)


def test_curves_of_calibration_share_axes() -> None:
    true, probability = probabilities()
    axes = plot.calibration(true, probability, name="one")
    assert plot.calibration(true, probability**2, name="two", ax=axes) is axes
    assert [text.get_text() for text in axes.texts] == ["one", "two"]
    assert len([line for line in axes.lines if line.get_label() == "_perfect"]) == 1
    assert axes.lines[1].get_color() != axes.lines[2].get_color()


def test_residuals_are_the_errors() -> None:
    rng = np.random.default_rng(0)
    predicted = rng.random((300, 1))
    true = predicted + 0.1 * rng.standard_normal((300, 1))
    axes = plot.residuals(true, predicted)
    assert np.asarray(axes.collections[0].get_offsets()) == pytest.approx(
        np.hstack([predicted, true - predicted])
    )
    compared = plot.residuals(true, predicted, kind="actual_vs_predicted")
    half = np.median(np.abs(true - predicted))
    wanted = f"; errors of at most {half:.3g} in half of the rows"
    assert compared.get_title().replace("\n", " ").endswith(wanted)
    points = compared.collections[0].get_offsets()
    assert np.asarray(points) == pytest.approx(np.hstack([predicted, true]))
    errors = true - predicted
    determination = 1 - np.square(errors).sum() / np.square(true - true.mean()).sum()
    title = axes.get_title().replace("\n", " ")
    assert title.startswith(f"R² {determination:.3g}; errors of mean {errors.mean():.3g}, ")
    assert title.endswith(f"standard deviation {errors.std():.3g}")
    assert len(plot.residuals(true, predicted, subsample=50).collections[0].get_offsets()) == 50
    assert len(plot.residuals(true, predicted, subsample=0.1).collections[0].get_offsets()) == 30


@pytest.mark.parametrize("scale", [2.5, 9e4, 4e6, 7e7, 9e8, 7e9, 6e10, 8e11])
def test_large_residuals_are_labeled_in_full(scale: float) -> None:
    rng = np.random.default_rng(0)
    true = scale * rng.random(300)
    axes = plot.residuals(true, true + 0.1 * scale * rng.standard_normal(300))
    axes.figure.canvas.draw()
    assert axes.xaxis.get_offset_text().get_text() == ""
    texts = [label.get_text().replace("\N{MINUS SIGN}", "-") for label in axes.get_xticklabels()]
    assert [float(text.replace(",", "")) for text in texts] == pytest.approx(axes.get_xticks().tolist())
    assert any("," in text for text in texts) == (scale > 10_000)
    boxes = [label.get_window_extent() for label in axes.get_xticklabels()]
    assert all(a.x1 < b.x0 for a, b in itertools.pairwise(boxes))


def test_regions_are_those_of_the_classes() -> None:
    x, y, model = flat()
    axes = plot.decision_boundary(model, x, y, grid_resolution=30, eps=0.5)
    image = np.asarray(axes.images[0].get_array())
    low, high = x.min(axis=0) - 0.5, x.max(axis=0) + 0.5
    assert axes.images[0].get_extent() == pytest.approx([low[0], high[0], low[1], high[1]])
    columns, rows = (np.linspace(low[i], high[i], 30) for i in (0, 1))
    points = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2).astype(np.float32)
    classes = model(points).argmax(axis=1).reshape(30, 30)
    hues = [image[classes == k].mean(axis=0) for k in range(3)]
    nearest = np.argmin([np.square(image - hue).sum(axis=-1) for hue in hues], axis=0)
    assert (nearest == classes).mean() > 0.8
    share = np.floor(1000 * (model(x).argmax(axis=1) == y).mean()) / 10
    assert axes.get_title() == f"{share:g} % of the samples are on the right side"
    assert {text.get_text() for text in axes.texts} == {"class 0", "class 1", "class 2"}


@pytest.mark.parametrize(
    "weight", [np.zeros(4, "m8[s]"), np.zeros(4, "M8[s]"), np.ones(4) * 1j, np.array(["1"] * 4)]
)
def test_weights_are_real_numbers(weight: Any) -> None:
    with pytest.raises(TypeError, match="sample_weight: expected real numbers, got dtype"):
        plot.confusion_matrix([0, 1, 1, 0], [0, 1, 0, 1], sample_weight=weight)


def masked(values: Any) -> Any:
    return np.ma.array(values, mask=np.ones(np.shape(values), bool))


POINTS, CLASSES, SHARES = np.eye(4, 2), np.arange(4) % 2, np.linspace(0, 1, 4)
MODEL = nn.Sequential(nn.Dense(2, 2), rng=0)
MASKED: dict[str, list[Any]] = {
    "X": [
        lambda: plot.confusion_matrix.from_estimator(MODEL, masked(POINTS), CLASSES),
        lambda: plot.calibration.from_estimator(MODEL, masked(POINTS), CLASSES),
        lambda: plot.residuals.from_estimator(MODEL, masked(POINTS), POINTS),
        lambda: plot.decision_boundary(MODEL, masked(POINTS), CLASSES),
        lambda: plot.learning_rate_finder(MODEL, masked(POINTS), CLASSES, batch_size=4),
        lambda: plot.activation_flow(MODEL, masked(POINTS)),
        lambda: plot.gradient_flow(MODEL, masked(POINTS), CLASSES),
        lambda: plot.loss_surface(MODEL, masked(POINTS), CLASSES),
    ],
    "y": [
        lambda: plot.decision_boundary(MODEL, POINTS, masked(CLASSES)),
        lambda: plot.learning_rate_finder(MODEL, POINTS, masked(CLASSES), batch_size=4),
        lambda: plot.gradient_flow(MODEL, POINTS, masked(CLASSES)),
        lambda: plot.loss_surface(MODEL, POINTS, masked(CLASSES)),
    ],
    "y_true": [
        lambda: plot.confusion_matrix(masked(CLASSES), CLASSES),
        lambda: plot.confusion_matrix.from_estimator(MODEL, POINTS, masked(CLASSES)),
        lambda: plot.calibration(masked(CLASSES), SHARES),
        lambda: plot.residuals(masked(SHARES), SHARES),
    ],
    "y_pred": [
        lambda: plot.confusion_matrix(CLASSES, masked(CLASSES)),
        lambda: plot.residuals(SHARES, masked(SHARES)),
    ],
    "y_prob": [lambda: plot.calibration(CLASSES, masked(SHARES))],
    "labels": [lambda: plot.confusion_matrix(CLASSES, CLASSES, labels=masked([0, 1]))],
    "sample_weight": [lambda: plot.confusion_matrix(CLASSES, CLASSES, sample_weight=masked(SHARES))],
}


@pytest.mark.parametrize(
    ("name", "i"), [(name, i) for name, calls in MASKED.items() for i in range(len(calls))]
)
def test_masked_arrays_are_refused(name: str, i: int) -> None:
    with pytest.raises(TypeError, match=f"^(?i:{name}|target): a masked array, whose mask would be ignored"):
        MASKED[name][i]()


def test_a_format_is_a_string() -> None:
    with pytest.raises(TypeError, match="values_format: expected a format such as '\\.2f', got int"):
        plot.confusion_matrix([0, 1], [0, 1], values_format=5)


@pytest.mark.parametrize("kind", ["a network", "an estimator"])
@pytest.mark.parametrize("name", ["confusion_matrix", "calibration", "residuals"])
def test_outputs_that_are_nan_are_refused(name: str, kind: str) -> None:
    """No class is the largest of NaN."""

    class Estimator:
        def predict(self, X: Any) -> Any:
            return np.where(X[:, 0] > 1, np.nan, 0.0)

        def predict_proba(self, X: Any) -> Any:
            return np.stack([self.predict(X)] * 2, axis=1)

    X = np.zeros((4, 2), np.float32)
    X[2] = 2 if kind == "an estimator" else np.nan
    model = Estimator() if kind == "an estimator" else nn.Sequential(nn.Dense(2, 2), rng=0)
    with pytest.raises(
        ValueError, match=r"^estimator: expected outputs that are numbers, got nan for X\[2\]$"
    ):
        getattr(plot, name).from_estimator(model, X, np.zeros(4, int))
