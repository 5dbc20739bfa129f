"""Multilayer perceptrons from ONNX files."""

from __future__ import annotations

import os

from .. import nn
from .._utils.files import Path, first_line
from ._graph import need_onnx
from ._importers import IMPORTERS
from ._reader import Reader


def load(path: Path) -> nn.Sequential:
    """The model in an ONNX file, if it is a multilayer perceptron: a chain of layers, and residuals of them.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    Sequential
        With the parameters of the file, ready to predict and to be trained further.

    Raises
    ------
    ValueError
        If it is no ONNX file, or has an operator, an attribute or a connection that is not known here: the
        message names the node.
    OSError
        If it cannot be read.
    ImportError
        If onnx is missing: it comes with the extra ``[onnx]``.

    Notes
    -----
    Known are Gemm, MatMul, Add of a bias, BatchNormalization, LayerNormalization, PRelu, Softmax, Dropout,
    Identity, Flatten of rows, what is an activation by itself (Relu, LeakyRelu, Elu, Selu, Celu, Sigmoid,
    HardSigmoid, HardSwish, Tanh, Softplus, Softsign, Mish, Gelu, Clip), ``x * Sigmoid(x)``, and an Add of two
    branches, one of which is the value itself or one dense layer of it. Weights that lie in other files are
    not read.

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
    with open(path, "rb") as file:
        content = file.read()
    try:
        proto = onnx.load_model_from_string(content)
        if not proto.graph.output:
            raise ValueError("holds no graph")
        return Reader(proto.graph, IMPORTERS).model()
    except (MemoryError, ImportError):
        raise
    except Exception as error:  # of any kind: the content is not to be trusted
        raise ValueError(f"{os.fspath(path)}: {first_line(error)}") from error
