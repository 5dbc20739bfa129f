"""Native descriptions of layers: their fields, and the errors for fields that do not fit."""

from typing import Any

import pytest
from simdnn import _core, nn


def shapes(**layer: Any) -> dict[str, tuple[int, ...]]:
    """The parameters of a network of one layer of 3 features."""
    own = {"kind": "dropout", "input": (3, False), "output": (3, False)} | layer
    chain = {"kind": "sequential", "layers": [own], "input": (3, False), "output": (3, False)}
    return _core.parameter_shapes(chain)


def test_a_description_has_the_fields_of_its_kind() -> None:
    assert _core.layer_fields()["rrelu"] == ("lower", "upper", "distribution")
    native = nn.RReLU(0.1, 0.2)._native(nn._layer.Shape(3))
    assert native == {"kind": "rrelu", "lower": 0.1, "upper": 0.2, "distribution": "uniform"}


@pytest.mark.parametrize(
    ("layer", "error", "message"),
    [
        ({}, ValueError, "dropout: the field 'p' is missing"),
        ({"p": 0.5, "q": 1}, ValueError, "dropout: unknown field 'q'; its fields are kind, input, output, p"),
        ({"p": "half"}, TypeError, r"dropout\.p: expected a number or the pieces of a schedule, got str"),
        ({"kind": "dropin"}, ValueError, r"sequential\.layers\[0\]: there is no kind 'dropin'"),
        (
            {"kind": "rrelu", "lower": 0, "upper": 1, "distribution": "cauchy"},
            ValueError,
            r"rrelu\.distribution: expected one of uniform, normal, got cauchy",
        ),
        (
            {"kind": "embedding", "tables": [{"name": "weight", "count": 3}], "lookups": [], "passed": []},
            ValueError,
            r"embedding\.tables\[0\]: the field 'width' is missing",
        ),
    ],
)
def test_an_error_names_layer_and_field(layer: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        shapes(**layer)
