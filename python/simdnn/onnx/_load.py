"""`load`: multilayer perceptrons from ONNX files."""

from __future__ import annotations

import os

from .. import nn
from .._utils.files import Path, check_regular, first_line
from ._graph import need_onnx
from ._importers import IMPORTERS
from ._reader import Reader


def load(path: Path) -> nn.Sequential:
    """Read a model from an ONNX file: a multilayer perceptron, possibly with residual connections.

    Parameters
    ----------
    path : str or path
        File to read.

    Returns
    -------
    Sequential
        A model with the parameters of the file, for predictions or further training; its dtype is float64 if
        a parameter is, else float32.

    Raises
    ------
    ValueError
        If the file is not valid ONNX, or has an operator, attribute or connection that is not supported; the
        message names the node.
    OSError
        If the file cannot be read.
    ImportError
        If onnx is missing: it comes with the extra ``[onnx]``.

    Notes
    -----
    Supported are Gemm, MatMul, Add of a bias, BatchNormalization, LayerNormalization, PRelu, Softmax,
    Dropout, Identity, Flatten of rows, the activations Relu, LeakyRelu, Elu, Selu, Celu, Sigmoid,
    HardSigmoid, HardSwish, Tanh, Softplus, Softsign, Mish, Gelu and Clip, the product ``x * Sigmoid(x)``, and
    an Add of two branches, one of which is their common input or one dense layer of it. Weights in external
    data files are not read.

    Examples
    --------
    See `export`.

    >>> import simdnn.onnx
    >>> simdnn.onnx.load("nowhere.onnx")
    Traceback (most recent call last):
    ...
    FileNotFoundError: [Errno 2] No such file or directory: 'nowhere.onnx'
    """
    onnx = need_onnx()
    check_regular(path)
    with open(path, "rb") as file:
        content = file.read()
    try:
        proto = onnx.load_model_from_string(content)
        if not proto.graph.output:
            raise ValueError("holds no graph")
        return Reader(proto.graph, IMPORTERS).model()
    except (MemoryError, ImportError):
        raise
    except Exception as error:  # untrusted content can raise any exception
        raise ValueError(f"{os.fspath(path)}: {first_line(error)}") from error
