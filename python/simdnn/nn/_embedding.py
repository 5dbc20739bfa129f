"""Vectors for categorical columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from .. import init as initializers
from .._utils.check import check_int
from ._dense import Initializer, check_initializer
from ._layer import Layer, Shape, native_fields

__all__ = ["Embedding"]

#: The features that a layer can take: each is listed in its description.
MOST_FEATURES = 2**24


class Embedding(Layer):
    """Maps integers to vectors: rows of a trainable table.

    ``Embedding(n, d)`` reads each column of its input as an integer in [0, n) and concatenates the vectors:
    (rows, k) becomes (rows, k d), from one table, ``"weight"`` of shape (n, d). With `columns` it reads only
    these columns, each with a separate table, and copies the others in front of the vectors.

    Parameters
    ----------
    num_embeddings, embedding_dim : int, optional
        The shape of the one table.
    in_features : int, optional
        The number of columns, at most 2^24; required with `columns`.
    columns : mapping, or sequence of triples, optional
        ``{column: (num_embeddings, embedding_dim), ...}``, or triples of these three numbers,
        in the order of the output; the table of a column is the parameter ``"<column>.weight"``.
    init : str, callable or None
        The initializer of the tables, see `Dense`; None is normal with variance 1.

    Raises
    ------
    TypeError, ValueError
        If neither or both of one table and columns are given, or a size is not an integer of at least 1.

    Notes
    -----
    The layer must be the first of a network, or of a branch of the first: it reads the network's input, whole
    numbers of any dtype. A number that is not an integer is a ValueError, one out of range an IndexError,
    both with row, column and value, before anything is computed; float64 inputs of a float32 network are
    checked before they are cast. A float32 network tells 2**24 integers apart; with a larger table, its first
    use is a ValueError that asks for dtype=float64. Gradients are added row by row.

    Source: Bengio, Ducharme, Vincent & Jauvin 2003, "A neural probabilistic language model", JMLR 3; for
    categorical columns Guo & Berkhahn 2016, "Entity embeddings of categorical variables", arXiv:1604.06737.

    Examples
    --------
    >>> from simdnn import nn
    >>> layer = nn.Embedding(in_features=4, columns={0: (7, 3), 2: (12, 5)})
    >>> model = nn.Sequential(layer, nn.Dense(2 + 3 + 5, 1), rng=0)
    >>> list(model.parameters())
    ['0.0.weight', '0.2.weight', '1.weight', '1.bias']
    >>> model([3, 0.5, 11, -1.5]).shape
    (1,)
    """

    def __init__(
        self,
        num_embeddings: int | None = None,
        embedding_dim: int | None = None,
        *,
        in_features: int | None = None,
        columns: Mapping[int, tuple[int, int]] | Sequence[tuple[int, int, int]] | None = None,
        init: Initializer | str | None = None,
    ) -> None:
        if (num_embeddings is None) != (embedding_dim is None) or (num_embeddings is None) == (
            columns is None
        ):
            raise ValueError("Embedding: expected num_embeddings and embedding_dim, or columns")
        self.num_embeddings = None if num_embeddings is None else check_int("num_embeddings", num_embeddings)
        self.embedding_dim = None if embedding_dim is None else check_int("embedding_dim", embedding_dim)
        self.in_features = None if in_features is None else check_int("in_features", in_features)
        self.columns = None if columns is None else _triples(columns, self.in_features)
        self.init = check_initializer(init)

    def _takes_input(self) -> bool:
        return True

    def _tables(self) -> dict[str, tuple[int, int]]:
        """Shapes of the tables, by the names of their parameters."""
        if self.columns is None:
            assert self.num_embeddings is not None
            assert self.embedding_dim is not None
            return {"weight": (self.num_embeddings, self.embedding_dim)}
        return {f"{column}.weight": (count, dim) for column, count, dim in self.columns}

    def _output(self, given: Shape) -> Shape:
        if self.columns is None:
            return given._replace(features=given.features * self._tables()["weight"][1])
        width = sum(dim for _, _, dim in self.columns)
        return given._replace(features=given.features - len(self.columns) + width)

    def _native(self, given: Shape) -> dict[str, Any]:
        if given.features > MOST_FEATURES:
            raise ValueError(f"Embedding: expected at most {MOST_FEATURES} features, got {given.features}")
        every = range(given.features)
        own = list(every) if self.columns is None else [column for column, _, _ in self.columns]
        tables = [
            {"name": name, "count": count, "width": dim} for name, (count, dim) in self._tables().items()
        ]
        lookups = [
            {"column": column, "table": 0 if self.columns is None else i} for i, column in enumerate(own)
        ]
        embedded = set(own)
        passed = [column for column in every if column not in embedded]
        return native_fields("embedding", self, tables=tables, lookups=lookups, passed=passed)

    def _initial(self, given: Shape, rng: np.random.Generator, dtype: DTypeLike) -> dict[str, NDArray[Any]]:
        init = initializers.from_name(self.init) if isinstance(self.init, str) else self.init
        make = init or initializers.normal
        return {name: np.asarray(make(s, rng=rng, dtype=dtype)) for name, s in self._tables().items()}


def _triples(columns: Any, in_features: int | None) -> tuple[tuple[int, int, int], ...]:
    """The columns with the shapes of their tables, checked."""
    if isinstance(columns, Mapping):
        columns = [(column, *_sequence(sizes)) for column, sizes in columns.items()]
    if len(_sequence(columns)) == 0:
        raise ValueError("columns: expected at least one column, got none")
    if in_features is None:
        raise ValueError("in_features: expected the number of columns of the input, got None")
    found: dict[int, tuple[int, int, int]] = {}
    for one in columns:
        if len(_sequence(one)) != 3:
            raise ValueError(
                f"columns: expected (num_embeddings, embedding_dim) for each column, got {one!r}"
            )
        column = check_int("columns", one[0], 0, in_features - 1)
        if column in found:
            raise ValueError(f"columns: column {column} comes twice")
        count, dim = (check_int(f"columns[{column}]", size) for size in one[1:])
        found[column] = (column, count, dim)
    return tuple(found.values())


def _sequence(value: Any) -> Sequence[Any]:
    """`value`, if it is a list or tuple."""
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"columns: expected a mapping, a list or a tuple, got {type(value).__name__}")
    return value
