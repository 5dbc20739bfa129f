"""Recurrent layers, which read sequences step by step, and padding for sequences of different lengths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .. import init as initializers
from .._utils.arrays import as_cpu_array
from .._utils.check import check_flag, check_float, check_int, check_items, check_name, check_single
from ._dense import Initializer, check_initializer
from ._layer import Layer, Shape, native_fields

__all__ = ["GRU", "LSTM", "RNN", "pad_sequences"]

#: The largest number of levels of a recurrent layer.
MOST_LAYERS = 1024

_DOCUMENTATION = """{summary}

{equations}

    The gates in the weights, in PyTorch's order: {order}. The parameters of the first layer are
    ``weight_ih_l0`` (in_features, {gates} * hidden_features) and ``weight_hh_l0`` (hidden_features,
    {gates} * hidden_features), the transposes of `torch.nn.{name}`'s, ``bias_ih_l0`` and ``bias_hh_l0``
    ({gates} * hidden_features,); those of the next layers end in ``_l1`` and so on.

    Parameters
    ----------
    in_features, hidden_features : int
        The numbers of features of a time step, and of the state.
    num_layers : int
        The number of stacked layers, each of which reads the states of the one before.
    return_sequences : bool
        True returns the state after each step, (n, time, hidden_features); False only the state after the
        last, (n, hidden_features).
    bias : bool
        True adds both biases.
    init, recurrent_init : str, callable or None
        The initializers (see `Dense`) of each gate's part of ``weight_ih``, (in_features, hidden_features),
        and of ``weight_hh``, (hidden_features, hidden_features): ``recurrent_init="orthogonal"`` keeps the
        length of states (Saxe et al. 2014). None is PyTorch's uniform +-1 / sqrt(hidden_features), which is
        also that of the biases.
{own}    initial_state : {{"zeros", "learned"}}
        The state before the first step: zeros, or the parameters ``h0_l0`` ... (hidden_features,){cell},
        which are initialized to zero.
    stateful : bool
        True begins a batch with the states at the end of the batch before, sample by sample, until
        `Sequential.reset_states`; a batch of another size is refused until then. So a long series can be read
        in parts, in prediction and in training, where no gradient flows back into an earlier batch.
        `Trainer.evaluate` begins with the initial state and does not change these states. Copies and pickles
        carry them on; files of `simdnn.save` and predictors of `freeze` begin with the initial state.
    truncate : int or None
        The block length of truncated backpropagation through time: no gradient flows from step t to t - 1
        where t is a multiple of `truncate`. Steps count from 0 in each call, skipped ones included. None
        truncates nowhere.
    mask_value : float or None
        Steps whose features all equal this value (NaN equals NaN) are skipped: the state before is also that
        after the step and its output, and gradients bypass the step. `pad_sequences` pads with it.

    Raises
    ------
    TypeError, ValueError
        If an argument has a wrong type or is out of range.

    Source: {source}

    Examples
    --------
    >>> import numpy as np
    >>> from simdnn import nn
    >>> model = nn.Sequential(nn.{name}(8, 32), nn.Dense(32, 2), rng=0)
    >>> model(np.zeros((5, 20, 8), np.float32)).shape
    (5, 2)
    """


class _Recurrent(Layer):
    """The base class of recurrent layers, without the cell."""

    in_features: int
    _cell: ClassVar[str]
    _gates: ClassVar[int]

    def __init__(
        self,
        in_features: int,
        hidden_features: int,
        num_layers: int = 1,
        return_sequences: bool = False,
        bias: bool = True,
        init: Initializer | str | None = None,
        recurrent_init: Initializer | str | None = None,
        initial_state: Literal["zeros", "learned"] = "zeros",
        stateful: bool = False,
        truncate: int | None = None,
        mask_value: float | None = None,
    ) -> None:
        self.in_features = check_int("in_features", in_features)
        self.hidden_features = check_int("hidden_features", hidden_features)
        self.num_layers = check_int("num_layers", num_layers, 1, MOST_LAYERS)
        self.return_sequences = check_flag("return_sequences", return_sequences)
        self.bias = check_flag("bias", bias)
        self.init = check_initializer(init, "init")
        self.recurrent_init = check_initializer(recurrent_init, "recurrent_init")
        self.initial_state = check_name("initial_state", initial_state, ("zeros", "learned"))
        self.stateful = check_flag("stateful", stateful)
        self.truncate = None if truncate is None else check_int("truncate", truncate, 1, 2**62)
        self.mask_value = None if mask_value is None else check_float("mask_value", mask_value)

    def _takes_sequence(self) -> bool:
        return True

    def _output(self, given: Shape) -> Shape:
        return Shape(self.hidden_features, self.return_sequences)

    def _native(self, given: Shape) -> dict[str, Any]:
        return native_fields("recurrent", self, cell=self._cell)

    def _initial(self, given: Shape, rng: np.random.Generator, dtype: DTypeLike) -> dict[str, NDArray[Any]]:
        values: dict[str, NDArray[Any]] = {}
        hidden = self.hidden_features
        for level in range(self.num_layers):
            inputs = hidden if level else self.in_features
            own = {
                "weight_ih": self._weight(self.init, inputs, rng, dtype),
                "weight_hh": self._weight(self.recurrent_init, hidden, rng, dtype),
            }
            if self.bias:
                own |= {name: self._uniform(self._gates * hidden, rng, dtype) for name in _BIASES}
            if self.initial_state == "learned":
                own |= {name: np.zeros(hidden, dtype) for name in self._states()}
            values |= {f"{name}_l{level}": value for name, value in own.items()}
        return values

    def _states(self) -> tuple[str, ...]:
        return ("h0",)

    def _uniform(
        self, shape: int | tuple[int, int], rng: np.random.Generator, dtype: DTypeLike
    ) -> NDArray[Any]:
        bound = 1 / np.sqrt(self.hidden_features)
        return np.asarray(rng.uniform(-bound, bound, shape), dtype)

    def _weight(
        self, chosen: Initializer | str | None, inputs: int, rng: np.random.Generator, dtype: DTypeLike
    ) -> NDArray[Any]:
        """The initial weight (inputs, gates * hidden_features): the parts of the gates, each initialized."""
        shape = (inputs, self.hidden_features)
        if chosen is None:
            return self._uniform((inputs, self._gates * self.hidden_features), rng, dtype)
        make = initializers.from_name(chosen) if isinstance(chosen, str) else chosen
        return np.hstack([np.asarray(make(shape, rng=rng, dtype=dtype)) for _ in range(self._gates)])


_BIASES = ("bias_ih", "bias_hh")


class RNN(_Recurrent):
    _cell, _gates = "rnn", 1


class LSTM(_Recurrent):
    _cell, _gates = "lstm", 4

    def __init__(
        self,
        in_features: int,
        hidden_features: int,
        num_layers: int = 1,
        return_sequences: bool = False,
        bias: bool = True,
        init: Initializer | str | None = None,
        recurrent_init: Initializer | str | None = None,
        forget_bias: float = 0.0,
        initial_state: Literal["zeros", "learned"] = "zeros",
        stateful: bool = False,
        truncate: int | None = None,
        mask_value: float | None = None,
    ) -> None:
        super().__init__(
            in_features,
            hidden_features,
            num_layers,
            return_sequences,
            bias,
            init,
            recurrent_init,
            initial_state,
            stateful,
            truncate,
            mask_value,
        )
        self.forget_bias = check_single("forget_bias", forget_bias)
        if self.forget_bias != 0 and not self.bias:
            raise ValueError(f"forget_bias: expected 0 without biases, got {self.forget_bias}")

    def _states(self) -> tuple[str, ...]:
        return ("h0", "c0")

    def _initial(self, given: Shape, rng: np.random.Generator, dtype: DTypeLike) -> dict[str, NDArray[Any]]:
        values = super()._initial(given, rng, dtype)
        if self.bias:
            forget = slice(self.hidden_features, 2 * self.hidden_features)
            for level in range(self.num_layers):
                values[f"bias_ih_l{level}"][forget] += self.forget_bias
        return values


class GRU(_Recurrent):
    _cell, _gates = "gru", 3


_FORGET = """    forget_bias : float
        A number that is added to the forget gate's part of the initial ``bias_ih``; 1 helps a new network to
        remember (Jozefowicz, Zaremba & Sutskever 2015, section 3.2).
"""
RNN.__doc__ = _DOCUMENTATION.format(
    name="RNN",
    summary="Recurrent layer with a tanh cell.",
    equations="    h' = tanh(x W_ih + b_ih + h W_hh + b_hh)",
    order="h",
    gates=1,
    own="",
    cell="",
    source='Elman 1990, "Finding structure in time", Cognitive Science 14.',
)
LSTM.__doc__ = _DOCUMENTATION.format(
    name="LSTM",
    summary="Long short-term memory, whose gates preserve the state c and its gradient over many steps.",
    equations="""    [i, f, g, o] = [sigmoid, sigmoid, tanh, sigmoid](x W_ih + b_ih + h W_hh + b_hh)
    c' = f c + i g,  h' = o tanh(c')""",
    order="i, f, g, o",
    gates=4,
    own=_FORGET,
    cell=" and ``c0_l0`` ...",
    source="""Hochreiter & Schmidhuber 1997, "Long short-term memory", Neural Computation 9; the forget gate:
    Gers, Schmidhuber & Cummins 2000, "Learning to forget", Neural Computation 12.""",
)
GRU.__doc__ = _DOCUMENTATION.format(
    name="GRU",
    summary="Gated recurrent units, whose gate z interpolates between the old state and a candidate.",
    equations="""    [r, z] = sigmoid(x W_ir,iz + b_ir,iz + h W_hr,hz + b_hr,hz)
    n = tanh(x W_in + b_in + r (h W_hn + b_hn)),  h' = (1 - z) n + z h""",
    order="r, z, n",
    gates=3,
    own="",
    cell="",
    source="""Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder", arXiv:1406.1078,
    with the reset gate applied before the product h W_hn; here it follows the product, as in cuDNN and
    PyTorch.""",
)


def pad_sequences(sequences: Sequence[ArrayLike], value: float = 0.0) -> NDArray[Any]:
    """Pads sequences of different lengths at their ends, and stacks them to one array.

    Parameters
    ----------
    sequences : sequence of arrays, each of shape (time, features)
    value : float
        The padding, the ``mask_value`` of a recurrent layer that skips it.

    Returns
    -------
    array, shape (n, longest time, features)
        The dtype is the floating dtype that holds all sequences.

    Raises
    ------
    TypeError, ValueError
        If there is no sequence, one is not a matrix of real numbers, or their numbers of features differ.

    Examples
    --------
    >>> from simdnn import nn
    >>> nn.pad_sequences([[[1.0], [2.0]], [[3.0]]])[..., 0]
    array([[1., 2.],
           [3., 0.]])
    """
    value = check_float("value", value)
    given = check_items("sequences", sequences, "a list of arrays")
    arrays = [as_cpu_array(f"sequences[{i}]", sequence) for i, sequence in enumerate(given)]
    if not arrays:
        raise ValueError("sequences: expected at least one sequence, got none")
    for i, array in enumerate(arrays):
        if array.dtype.kind not in "biuf":
            raise TypeError(f"sequences[{i}]: expected real numbers, got dtype {array.dtype}")
        if array.ndim != 2 or array.shape[1] != np.shape(arrays[0])[-1]:
            wanted = np.shape(arrays[0])[-1] if np.ndim(arrays[0]) == 2 else "features"
            raise ValueError(f"sequences[{i}]: expected shape (time, {wanted}), got {array.shape}")
    dtype = np.result_type(*(array.dtype for array in arrays))
    dtype = dtype if dtype.kind == "f" else np.dtype(np.float64)
    padded = np.full((len(arrays), max(map(len, arrays)), arrays[0].shape[1]), value, dtype)
    for row, array in zip(padded, arrays, strict=True):
        row[: len(array)] = array
    return padded
