"""Warnings about words that are numbers in another spelling: what they advise makes numbers of them."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from simdnn import table

#: The advice, the options of the reader in it, and the cells of a column of 40 rows.
SPELLED: dict[str, tuple[str, dict[str, str], Callable[[int], str]]] = {
    "decimals": ("read the file with decimal=','", {"decimal": ","}, lambda i: f"{i},5"),
    "groups and decimals": (
        "read the file with decimal=',', thousands='.'",
        {"decimal": ",", "thousands": "."},
        lambda i: f"{i + 1}.000,25" if i % 2 else f"{i},5",
    ),
    "euros": ("remove '€' and read the file with decimal=','", {"decimal": ","}, lambda i: f"{i},50 €"),
    "percent": ("remove '%' and read the file with decimal=','", {"decimal": ","}, lambda i: f"{i},5%"),
    "dollars": ("remove '$'", {}, lambda i: f"$-{i}" if i % 2 else f"-${i}.5"),
    "dollars and groups": ("remove '$' and ','", {}, lambda i: f"${i + 1},000.5"),
    "euros and groups": (
        "remove '€' (and '.', if it is between thousands)",
        {},
        lambda i: f"{i + 1}.234 €",
    ),
    "euros and long groups": (
        "remove '€' and read the file with decimal=',', thousands='.'",
        {"decimal": ",", "thousands": "."},
        lambda i: f"{i + 1}.234.567 €",
    ),
}


def warned(call: Callable[[], Any]) -> list[str]:
    """The messages of the warnings of a call about columns."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        call()
    return [str(one.message) for one in found if str(one.message).startswith("column")]


@pytest.mark.parametrize("odd", [0, 1, 2])
@pytest.mark.parametrize("spelling", SPELLED)
def test_the_advice_makes_numbers(spelling: str, odd: int, tmp_path: Path) -> None:
    advice, options, cell_of = SPELLED[spelling]
    cells = [cell_of(i) for i in range(40)]
    for i in range(odd):
        cells[7 * i + 30] = "bad"
    path = tmp_path / "t.csv"
    path.write_text("a;b\n" + "".join(f"{cell};{i}\n" for i, cell in enumerate(cells)), "utf-8")
    (message,) = warned(lambda: table.read(path, delimiter=";"))
    if odd or "remove" in advice:
        assert f"; {40 - odd} of 40 values are numbers but for " in message
        correct = f"correct or empty the other {odd} cells" if odd > 1 else "correct or empty the other cell"
        assert f": {advice}{f' and {correct}' if odd else ''}, or name the column in text" in message
    else:
        assert advice.removeprefix("read the file ") in message
    removed = re.findall(r"'(.)'", advice.split(" (")[0].split("read")[0])
    plain = ["" if cell == "bad" else cell for cell in cells]
    for mark in removed:
        plain = [cell.replace(mark, "") for cell in plain]
    path.write_text("a;b\n" + "".join(f"{cell};{i}\n" for i, cell in enumerate(plain)), "utf-8")
    assert not warned(lambda: table.read(path, delimiter=";", **options))
    found = table.read(path, delimiter=";", **options)["a"]
    assert found.dtype == np.float64
    assert np.isnan(found).sum() == odd
    assert table.mixed_hint("a", np.array(cells, object)).endswith(advice if not odd else correct)


@pytest.mark.parametrize(
    "cell_of",
    [
        lambda i: f"{i},{i + 1},{i + 2}",
        lambda i: f"{i:02},{i:02}" if i < 10 else f"{i},5",
        lambda i: f"0{i} 123",
        lambda i: f"{i}.{i},{i}",
        lambda i: f"{i},5" if i % 2 else f"{i}.5 kg",
        lambda i: f"$$-{i}",
        lambda i: f"{i} {i}",
    ],
)
def test_other_words_are_words(cell_of: Callable[[int], str]) -> None:
    assert not table.mixed_hint("a", np.array([cell_of(i) for i in range(40)], object))


def test_estimators_warn_of_every_spelling() -> None:
    pytest.importorskip("sklearn", reason="needs the extra [sklearn]: scikit-learn")
    from simdnn.tabular import TabularRegressor

    for advice, _, cell_of in SPELLED.values():
        made = TabularRegressor("fast", n_members=2, epochs=8, progress=False)
        cells = {"a": [cell_of(i) for i in range(40)]}
        (message,) = warned(lambda made=made, cells=cells: made.fit(cells, np.arange(40.0)))
        assert message.endswith(f": {advice}, or make it a column of categories if words are meant")
