"""`load`: multilayer perceptrons from ONNX files."""

from __future__ import annotations

from typing import Any

from .. import nn
from .._utils.files import Path, check_regular, first_line, path_name
from ._checksum import verify
from ._forms import FORMS
from ._graph import need_onnx
from ._importers import IMPORTERS, column_embedding
from ._piecewise import piecewise_linear
from ._reader import Reader

#: The first opset in which broadcasting and batch normalization are those of today.
OLDEST = 9


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
        If the file is not valid ONNX, is not what `export` wrote by its checksum, or has an operator,
        attribute or connection that is not supported; the message names the node.
    OSError
        If the file cannot be read.
    ImportError
        If onnx is missing: it comes with the extra ``[onnx]``.

    Notes
    -----
    Files of `export` have a checksum, which is verified; a program that changes the weights must remove it
    from the metadata.

    Every file that `export` writes of a `Sequential` without columns can be read, as can the multilayer
    perceptrons of ``torch.onnx.export`` and of skl2onnx: Gemm, MatMul, constants added to each feature or
    multiplied with it, BatchNormalization, LayerNormalization, Softmax, Dropout, the activations, also
    where several operators compute one, RNN, LSTM, GRU, embeddings and piecewise-linear codes as `export`
    writes them, an Add of two branches, one of which is their common input or one dense layer of it, and a
    Concat of branches.

    A constant must have a shape that ONNX broadcasts to the same numbers for each row. The output of
    floating-point numbers is read if there are several, of a classifier the probabilities. Operators that
    the output does not depend on are ignored. Weights in external data files are not read.

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
        if content[5:9] == b"\0\0\0{":  # the end of the size of a header, and its beginning
            raise ValueError("a safetensors file, which simdnn.load reads")
        proto = onnx.load_model_from_string(content)
        if not proto.graph.output:
            raise ValueError("holds no graph")
        check_opset(proto)
        verify(proto)
        return Reader(proto.graph, IMPORTERS, (*FORMS, column_embedding, piecewise_linear)).model()
    except (MemoryError, ImportError):
        raise
    except Exception as error:  # untrusted content can raise any exception
        raise ValueError(f"{path_name(path)}: {first_line(error)}") from error


def check_opset(proto: Any) -> None:
    """Raises for operator sets whose operators have another meaning."""
    for one in proto.opset_import:
        if one.domain in ("", "ai.onnx") and one.version < OLDEST:
            raise ValueError(f"opset: expected at least {OLDEST}, got {one.version}")
