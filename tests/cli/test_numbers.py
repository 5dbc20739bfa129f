"""Numbers as people read them."""

import math
import re

import numpy as np
import pytest
from simdnn._utils.numbers import cell, counted, number

READ = {
    121294.05: "121,300",
    -2336930: "-2,337,000",
    9999.4: "9999",
    9999.96: "10,000",
    12346: "12,350",
    1234.5678: "1235",
    12.34567: "12.35",
    0.5: "0.5",
    0.00012346: "0.0001235",
    1.2346e-7: "1.235e-07",
    -0.0: "0",
    2.5e11: "250,000,000,000",
    1.5e12: "1.5e+12",
    math.inf: "inf",
}


@pytest.mark.parametrize("value", READ)
def test_four_digits_and_commas(value: float) -> None:
    assert number(value) == READ[value]


def test_things_are_counted() -> None:
    found = [counted(count, "cell") for count in (0, 1, 2, 12345)]
    assert found == ["0 cells", "1 cell", "2 cells", "12,345 cells"]


def test_nan_is_nan() -> None:
    assert number(math.nan) == cell(math.nan) == "nan"


def test_digits_and_signs() -> None:
    assert [number(123456.789, digits) for digits in (3, 6, 8)] == ["123,000", "123,457", "123,456.79"]
    assert [number(one, sign="+") for one in (121294.05, -0.25)] == ["+121,300", "-0.25"]


def test_whole_cells_keep_their_digits() -> None:
    assert [cell(one) for one in (20210131.0, 2021.0, 121294.05, 0.1)] == [
        "20,210,131",
        "2021",
        "121,294",
        "0.1",
    ]


def test_numbers_are_the_nearest_with_these_digits() -> None:
    rng = np.random.default_rng(0)
    for value in (rng.normal(size=500) * 10.0 ** rng.uniform(-4, 12, 500)).tolist():
        text = number(value)
        assert float(text.replace(",", "")) == float(f"{value:.3e}")
        if 1e4 <= abs(float(f"{value:.3e}")) < 1e12:
            assert re.fullmatch(r"-?\d{1,3}(,\d{3})+", text)
