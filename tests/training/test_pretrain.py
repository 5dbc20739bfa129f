"""RBMs compared with their formulas and with scikit-learn; pre-training of deep networks."""

import copy
import pickle
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simdnn
from simdnn import callbacks, init, nn, optim, pretrain
from sklearn.datasets import load_digits
from sklearn.neural_network import BernoulliRBM as Peer

from tests.io.files import rewritten
from tests.support.registry import FLOATS, same_bits, spread, with_threads

Array = np.ndarray[Any, Any]

METHODS = ("autoencoder", "denoising", "rbm")
every_method = pytest.mark.parametrize("method", METHODS)


def digits() -> tuple[Array, Array]:
    x, y = load_digits(return_X_y=True)
    return (x / 16).astype(np.float32), y


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def machine(visible: int = 12, hidden: int = 7, **settings: Any) -> pretrain.BernoulliRBM:
    """An RBM with parameters from integer arithmetic, in float64 by default."""
    rbm = pretrain.BernoulliRBM(visible, hidden, **{"dtype": np.float64, "seed": 3} | settings)
    for value in rbm.parameters().values():
        value[...] = spread(value.size, np.float64, 1.5).reshape(value.shape)
    return rbm


def rows(n: int, visible: int = 12) -> Array:
    return np.abs(spread(n * visible, np.float64, 1.0)).reshape(n, visible)


def log_weights(values: dict[str, Array]) -> tuple[Array, Array]:
    """All visible states v, and log sum_h exp(-E(v, h)) of each."""
    visible = len(values["visible_bias"])
    states = (np.arange(2**visible)[:, None] >> np.arange(visible) & 1).astype(float)
    field = states @ values["weight"] + values["hidden_bias"]
    return states, states @ values["visible_bias"] + np.logaddexp(0, field).sum(axis=1)


@pytest.mark.parametrize("n", [0, 1, 40, 600])
def test_passes_match_their_formulas(n: int) -> None:
    rbm, x = machine(), rows(n)
    p = rbm.parameters()
    h = sigmoid(x @ p["weight"] + p["hidden_bias"])
    assert rbm.transform(x) == pytest.approx(h, rel=1e-13)
    wanted = sigmoid(h @ p["weight"].T + p["visible_bias"])
    assert rbm.reconstruct(x) == pytest.approx(wanted, rel=1e-13)


def test_states_follow_their_probabilities() -> None:
    """With constant data of one visible unit, a step of CD-1 shows the mean of the sampled states."""
    n, p = 40_000, 0.3
    rbm = pretrain.BernoulliRBM(1, 1, optimizer=optim.SGD(lr=1.0), dtype=np.float64, seed=5)
    weight, hidden, visible = rbm.parameters().values()
    weight[...], hidden[...], visible[...] = 4.0, np.log(p / (1 - p)), -2.0
    rbm.fit(np.zeros((n, 1)), epochs=1, batch_size=None, progress=False)
    on, off = sigmoid(np.array([2.0, -2.0]))
    drawn = (-2.0 - visible[0] - off) / (on - off)  # the mean of the hidden states; that of the data is 0
    assert drawn == pytest.approx(p, abs=5 * np.sqrt(p * (1 - p) / n))


def test_long_chains_climb_the_likelihood() -> None:
    """CD-k with large k is the gradient of the log-likelihood, which enumeration of a small RBM gives."""
    rbm = machine(4, 3, k=60, sample_visible=True, optimizer=optim.SGD(lr=1.0))
    before = {name: value.copy() for name, value in rbm.parameters().items()}
    x = np.repeat(np.eye(4), 5_000, axis=0)
    rbm.fit(x, epochs=1, batch_size=None, progress=False)

    def likelihood(values: dict[str, Array]) -> float:
        states, weights = log_weights(values)
        data = [np.flatnonzero((states == row).all(axis=1))[0] for row in np.eye(4)]
        return float(weights[data].mean() - np.logaddexp.reduce(weights))

    for name, value in before.items():
        moved = rbm.parameters()[name] - value
        slope = np.zeros_like(value)
        for i in range(value.size):
            values = []
            for step in (1e-6, -1e-6):
                shifted = {key: array.copy() for key, array in before.items()}
                shifted[name].flat[i] += step
                values.append(likelihood(shifted))
            slope.flat[i] = (values[0] - values[1]) / 2e-6
        assert np.abs(moved - slope).max() < 0.015 < np.abs(slope).max(), name


def test_a_step_is_the_mean_over_the_batch() -> None:
    """A batch of equal rows has the step of a single row, if sampling has no influence."""
    rbm, one = machine(optimizer=optim.SGD(lr=0.1)), machine(optimizer=optim.SGD(lr=0.1))
    for each in (rbm, one):
        each.parameters()["hidden_bias"][...] = 50  # the hidden units are always 1
    x = rows(1)
    one.fit(x, epochs=1, progress=False)
    rbm.fit(np.repeat(x, 700, axis=0), epochs=1, batch_size=None, progress=False)
    for name, value in one.parameters().items():
        assert rbm.parameters()[name] == pytest.approx(value, rel=1e-12), name


def test_reconstructions_are_as_good_as_those_of_scikit_learn() -> None:
    x, _ = digits()
    settings = {"batch_size": 10}
    rbm = pretrain.BernoulliRBM(64, 100, optimizer=optim.SGD(lr=0.05), seed=0)
    history = rbm.fit(x, epochs=15, **settings)
    peer = Peer(100, learning_rate=0.05, n_iter=15, random_state=0, **settings).fit(x)
    theirs = sigmoid(peer.transform(x) @ peer.components_ + peer.intercept_visible_)
    error = np.square(rbm.reconstruct(x) - x).mean()
    assert error <= np.square(theirs - x).mean()
    assert error < 0.02 < x.var(axis=0).mean()
    assert history.loss == sorted(history.loss, reverse=True)
    assert history.steps == 15 * 180


@pytest.mark.parametrize("dtype", FLOATS)
def test_threads_do_not_change_a_machine(dtype: Any) -> None:
    x = rows(700, 100)

    def train() -> Array:
        rbm = machine(100, 300, dtype=dtype, k=2, optimizer=optim.Adam(lr=0.01))
        rbm.fit(x, epochs=2, batch_size=350, progress=False)
        return np.concatenate([value.ravel() for value in rbm.parameters().values()])

    results = [with_threads(n, train) for n in (1, 2, 3)]
    assert all(same_bits(result, results[0]) for result in results)


def test_settings_of_the_optimizer_hold() -> None:
    x = rows(60)
    free, decayed = machine(), machine(optimizer=optim.SGD(lr=0.1, momentum=0.5, weight_decay=0.5))
    for rbm in (free, decayed):
        rbm.fit(x, epochs=20, progress=False)
    assert np.linalg.norm(decayed.parameters()["weight"]) < np.linalg.norm(free.parameters()["weight"]) / 2


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pretrain.BernoulliRBM(0, 2), ValueError, "in_features: .*>= 1"),
        (lambda: pretrain.BernoulliRBM(2, 2, k=0), ValueError, "k: .*from 1"),
        (lambda: pretrain.BernoulliRBM(2, 2, optimizer=3), TypeError, "optimizer: "),
        (lambda: pretrain.BernoulliRBM(2, 2, dtype=int), TypeError, "dtype: "),
        (lambda: machine().fit(rows(3) + 1), ValueError, "X: expected numbers from 0 to 1"),
        (lambda: machine().fit(rows(3) * np.nan), ValueError, "X: expected numbers from 0 to 1"),
        (lambda: machine().fit(rows(3, 5)), ValueError, r"X: expected shape \(n, 12\)"),
        (lambda: machine().fit(rows(0)), ValueError, r"X: .*n >= 1"),
        (lambda: machine().fit([["a"] * 12]), TypeError, "X: expected real numbers"),
        (lambda: machine().fit(rows(3), batch_size=0), ValueError, "batch_size: "),
        (lambda: machine().fit(rows(3), progress="yes"), ValueError, "progress: "),
        (lambda: machine().transform(rows(3, 5)), ValueError, r"X: expected shape \(n, 12\)"),
        (lambda: machine().transform(rows(3) * 5 + 2), ValueError, "X: expected numbers from 0 to 1, got 2"),
        (lambda: machine().transform(rows(3) * np.nan), ValueError, "X: expected numbers from 0 to 1"),
        (lambda: machine().reconstruct(rows(3) + 7), ValueError, "X: expected numbers from 0 to 1, got 7"),
    ],
)
def test_bad_calls_of_a_machine(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_machine_trains_on_what_was_checked(dtype: Any) -> None:
    """Callbacks that write to X change nothing."""
    first, second = (machine(dtype=dtype) for _ in range(2))
    x = rows(40).astype(dtype)
    wanted = first.fit(x.copy(), epochs=3, progress=False)
    found = second.fit(x, epochs=3, callbacks=[lambda rbm, logs: x.fill(1e30)], progress=False)
    assert found.loss == wanted.loss
    assert same_bits(second.parameters()["weight"], first.parameters()["weight"])


def test_callbacks_of_trainers_serve_a_machine(tmp_path: Path) -> None:
    """A fit tells that a callback has ended it; the best parameters come back, and files are written."""
    stopping = callbacks.EarlyStopping("loss", 2)
    saving = callbacks.ModelCheckpoint(tmp_path / "best.safetensors", "loss")
    rates = callbacks.LearningRateLogger()
    rbm = machine(optimizer=optim.SGD(lr=30.0), dtype=np.float32)
    seen: list[Array] = []
    keep = lambda rbm, logs: seen.append(rbm.parameters()["weight"].copy())  # noqa: E731
    for _ in range(2):  # each fit begins without a best value
        seen.clear()
        history = rbm.fit(rows(40), epochs=50, callbacks=[keep, rates, saving, stopping], progress=False)
        assert history.stopped
        assert stopping.best_epoch is not None
        assert stopping.stopped_epoch == stopping.best_epoch + 2 == history.epochs - 1 < 49
        assert same_bits(rbm.parameters()["weight"], seen[stopping.best_epoch])
        assert same_bits(
            pretrain.BernoulliRBM.load(saving.last_path).parameters()["weight"], seen[stopping.best_epoch]
        )
        assert rates.rates == [30.0] * history.epochs
    assert not rbm.fit(rows(40), epochs=2, progress=False).stopped
    whole = callbacks.ModelCheckpoint(tmp_path / "model.safetensors", "loss", model_only=True)
    with pytest.raises(TypeError, match=r"model: expected .*got BernoulliRBM"):
        rbm.fit(rows(40), epochs=1, callbacks=[whole], progress=False)


def deep(seed: int = 0, layers: int = 5) -> nn.Sequential:
    """A deep sigmoid network with small random weights; every second sigmoid is a separate layer."""
    small = partial(init.normal, std=0.05)
    hidden: list[nn.Layer] = []
    for i, (inputs, outputs) in enumerate(pairwise([64, *[60] * layers])):
        fused = i % 2 == 0
        hidden.append(nn.Dense(inputs, outputs, "sigmoid" if fused else None, init=small))
        hidden += [] if fused else [nn.Sigmoid()]
    return nn.Sequential(*hidden, nn.Dense(60, 10, init=small), rng=seed)


def accuracy_after(model: nn.Sequential) -> float:
    x, y = digits()
    trainer = simdnn.Trainer(model, optimizer=optim.SGD(lr=0.1, momentum=0.9), seed=0)
    trainer.fit(x[:1400], y[:1400], epochs=12, batch_size=32)
    return trainer.evaluate(x[1400:], y[1400:])[1]


@every_method
def test_a_deep_network_trains_after_pre_training_alone(method: Any) -> None:
    plain, model = deep(), deep()
    before = model.state_dict()
    x, _ = digits()
    histories = pretrain.greedy_layerwise(model, x[:1400], method, epochs=20, seed=0)
    assert len(histories) == 5
    assert all(history.epochs == 20 and history.loss[-1] < history.loss[0] for history in histories)
    last = list(before)[-2]
    assert same_bits(before[last], model.state_dict()[last])
    assert accuracy_after(plain) < 0.2
    assert accuracy_after(model) > 0.85


@every_method
def test_pre_training_has_the_same_bits(method: Any) -> None:
    x, _ = digits()

    def train(seed: int) -> Array:
        model = deep(layers=2)
        pretrain.greedy_layerwise(model, x, method, epochs=1, batch_size=300, seed=seed)
        return model.flat_parameters.copy()

    one, two = (with_threads(n, lambda: train(4)) for n in (1, 2))
    assert same_bits(one, two)
    assert not same_bits(one, train(5))


def test_an_rbm_of_a_network_is_an_rbm() -> None:
    x, _ = digits()
    model = nn.Sequential(nn.Dense(64, 30, "sigmoid"), nn.Dense(30, 10), rng=0)
    weight = model.parameters()["0.weight"].copy()
    seed = int(np.random.SeedSequence(9).generate_state(1, np.uint64)[0])
    (history,) = pretrain.greedy_layerwise(model, x, "rbm", epochs=3, k=2, lr=0.2, batch_size=20, seed=9)
    rbm = pretrain.BernoulliRBM(64, 30, 2, optim.SGD(lr=0.2, momentum=0.5), seed=seed)
    rbm.parameters()["weight"][...] = weight
    assert rbm.fit(x, epochs=3, batch_size=20).loss == history.loss
    assert same_bits(model.parameters()["0.weight"], rbm.parameters()["weight"])
    assert same_bits(model.parameters()["0.bias"], rbm.parameters()["hidden_bias"])


def test_a_denoiser_is_an_autoencoder_of_corrupted_inputs() -> None:
    """A denoising autoencoder without corruption has the bits of an autoencoder."""
    x, _ = digits()
    results = []
    for method, settings in (("denoising", {"corruption": 0.0}), ("autoencoder", {}), ("denoising", {})):
        model = deep(layers=1)
        pretrain.greedy_layerwise(model, x, method, epochs=1, seed=1, **settings)
        results.append(model.flat_parameters.copy())
    assert same_bits(results[0], results[1])
    assert not same_bits(results[0], results[2])


def test_dropout_is_left_out_and_other_layers_stay_with_their_dense() -> None:
    x = np.float32(spread(300 * 8, np.float64, 2).reshape(300, 8))
    layers = [nn.Dropout(0.5), nn.Dense(8, 6), nn.Tanh(), nn.Dropout(0.5), nn.Dense(6, 6, "relu")]
    layers += [nn.Residual(nn.Dense(6, 6, "tanh")), nn.Dense(6, 3)]
    model = nn.Sequential(*layers, rng=0)
    before = model.state_dict()
    histories = pretrain.greedy_layerwise(model, x, epochs=4, optimizer="sgd", lr=0.05, seed=0)
    assert len(histories) == 2
    changed = {name for name, value in model.state_dict().items() if not same_bits(value, before[name])}
    assert changed == {"1.weight", "1.bias", "4.weight", "4.bias", "5.0.weight", "5.0.bias"}


@pytest.mark.parametrize(
    ("layers", "arguments", "error", "message"),
    [
        ([nn.Dense(4, 2)], {}, ValueError, "model: expected hidden Dense layers"),
        ([nn.Residual(nn.Dense(4, 4)), nn.Dense(4, 2)], {}, ValueError, r"layers\[0\]: .*got Residual"),
        (
            [nn.Dense(4, 3, "relu"), nn.Dense(3, 2)],
            {"method": "rbm"},
            ValueError,
            r"layers\[0\]: .*sigmoid.*relu",
        ),
        (
            [nn.Dense(4, 3, "sigmoid", bias=False), nn.Dense(3, 2)],
            {"method": "rbm"},
            ValueError,
            r"layers\[0\]: .*biased",
        ),
        ([nn.Dense(4, 3), nn.Dense(3, 2)], {"method": "gan"}, ValueError, "method: 'gan' is not known"),
        ([nn.Dense(4, 3), nn.Dense(3, 2)], {"epochs": 0}, ValueError, "epochs: "),
        ([nn.Dense(4, 3), nn.Dense(3, 2)], {"optimizer": "adamant"}, ValueError, "optimizer: "),
        ([nn.Dense(4, 3), nn.Dense(3, 2)], {"optimizer": optim.Adam()}, TypeError, "optimizer: each layer"),
        (
            [nn.Dense(4, 3), nn.Dense(3, 2)],
            {"method": "denoising", "corruption": 1.0},
            ValueError,
            "corruption: ",
        ),
        (
            [nn.Dense(4, 3), nn.Dense(3, 2)],
            {"X": np.zeros((3, 5))},
            ValueError,
            r"X: expected shape \(n, 4\)",
        ),
        (
            [nn.Dense(4, 3), nn.Dense(3, 2)],
            {"X": np.full((3, 4), 1e300)},
            ValueError,
            r"X: expected numbers that float32 can hold, got 1e\+300",
        ),
        (
            [nn.Dense(4, 3, "sigmoid"), nn.Dense(3, 2)],
            {"X": -np.ones((3, 4)), "method": "rbm"},
            ValueError,
            "X: expected numbers from 0 to 1",
        ),
    ],
)
def test_bad_calls_change_nothing(
    layers: list[nn.Layer], arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    model = nn.Sequential(*layers, rng=0)
    before = model.flat_parameters.copy()
    with pytest.raises(error, match=message):
        pretrain.greedy_layerwise(model, **{"X": np.zeros((3, 4)), **arguments})
    assert same_bits(model.flat_parameters, before)


def test_progress_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    model = deep(layers=2)
    pretrain.greedy_layerwise(model, digits()[0], "rbm", epochs=2, progress=True)
    machine().fit(rows(20), epochs=2, progress=True)
    shown = capsys.readouterr().err
    assert "pre-training" in shown
    assert "4/4" in shown
    assert "layer=2/2" in shown
    assert "training: 100%" in shown


def saved_and_loaded(rbm: pretrain.BernoulliRBM, folder: Path) -> pretrain.BernoulliRBM:
    pytest.importorskip("safetensors", reason="needs the extra [io]: safetensors")
    rbm.save(folder / "rbm.safetensors", metadata={"of": "digits"})
    assert simdnn.load_metadata(folder / "rbm.safetensors") == {"of": "digits"}
    return pretrain.BernoulliRBM.load(folder / "rbm.safetensors")


COPIES = {
    "pickle": lambda rbm, _: pickle.loads(pickle.dumps(rbm)),
    "copy": lambda rbm, _: copy.copy(rbm),
    "deepcopy": lambda rbm, _: copy.deepcopy(rbm),
    "file": saved_and_loaded,
}


@pytest.mark.parametrize("optimizer", [None, "adam", optim.SGD(lr=0.05, momentum=0.9, weight_decay=1e-3)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("how", COPIES)
def test_a_copied_machine_goes_on_bit_for_bit(how: str, dtype: Any, optimizer: Any, tmp_path: Path) -> None:
    """The copy has the state of the optimizer, of the order of samples and of the units."""
    x = digits()[0][:90]
    made = copy.copy(optimizer)
    rbm = pretrain.BernoulliRBM(64, 12, k=2, optimizer=made, dtype=dtype, seed=5, sample_visible=True)
    rbm.fit(x, epochs=2)
    other = COPIES[how](rbm, tmp_path)
    assert repr(other) == repr(rbm)
    assert other.fit(x, epochs=2).loss == rbm.fit(x, epochs=2).loss
    for name, value in rbm.parameters().items():
        assert same_bits(other.parameters()[name], value)
    assert (other.epochs_done, other.optimizer.steps) == (rbm.epochs_done, rbm.optimizer.steps) == (4, 36)


def test_files_of_another_kind_are_told_apart(tmp_path: Path) -> None:
    pytest.importorskip("safetensors", reason="needs the extra [io]: safetensors")
    machine(dtype=np.float32).save(tmp_path / "rbm.safetensors")
    simdnn.save(nn.Sequential(nn.Dense(2, 2), rng=0), tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match=r"rbm\.safetensors: holds no model but.*BernoulliRBM\.load"):
        simdnn.load(tmp_path / "rbm.safetensors")
    with pytest.raises(ValueError, match=r"model\.safetensors: holds no BernoulliRBM but.*simdnn\.load"):
        pretrain.BernoulliRBM.load(tmp_path / "model.safetensors")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"k": 0}, "k: "),
        ({"dtype": "float64"}, "weight: expected float64, got float32"),
        ({"epochs_done": -1}, "epochs_done"),
        ({"command": "x"}, "'command' is not known"),
        ({"state": {"steps": 1, "skipped": 0, "scalar_state": [1.0]}}, "scalar_state"),
    ],
)
def test_a_file_that_does_not_agree_with_itself_is_refused(
    change: dict[str, Any], message: str, tmp_path: Path
) -> None:
    pytest.importorskip("safetensors", reason="needs the extra [io]: safetensors")
    path = tmp_path / "rbm.safetensors"
    machine(dtype=np.float32).save(path)
    rewritten(path, lambda document: document["BernoulliRBM"].update(change))
    with pytest.raises(ValueError, match=rf"rbm\.safetensors: .*{message}"):
        pretrain.BernoulliRBM.load(path)
