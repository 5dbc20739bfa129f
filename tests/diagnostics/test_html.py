"""The HTML of objects in notebooks: well-formed, escaped, and with the numbers; run in a real notebook."""

from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from simdnn import History, Trainer, diagnostics, nn, optim, schedules
from simdnn._utils.html import Markup, chart, table

from tests.support.illnesses import deep, samples

VOID = {"circle", "path"}


class Reader(HTMLParser):
    """The tags, the texts and the attributes of HTML; raises for tags that do not match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.values: dict[str, list[str]] = {}
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        self.open.append(tag)
        self.tags.append(tag)
        for name, value in attributes:
            self.values.setdefault(name, []).append(value)

    def handle_startendtag(self, tag: str, attributes: Any) -> None:
        self.tags.append(tag)
        for name, value in attributes:
            self.values.setdefault(name, []).append(value)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def objects() -> dict[str, Any]:
    """One object of each class that notebooks show."""
    x, y = samples()
    optimizer = optim.Adam(lr=schedules.cosine(1e-2, 50), clip_norm=1.0)
    trainer = Trainer(deep(3, "tanh"), optimizer=optimizer, seed=0)
    history = trainer.fit(x, y, epochs=5, validation_data=(x, y))
    report = diagnostics.report(trainer, x, y)
    long = diagnostics.report(deep(20, "sigmoid"), x, y)
    short = diagnostics.report(deep(1, "relu"), x, y)
    return dict(
        trainer=trainer,
        model=trainer.model,
        optimizer=optimizer,
        history=history,
        report=report,
        long=long,
        short=short,
    )


@pytest.mark.parametrize(
    ("name", "texts", "pictures"),
    [
        ("trainer", ["Trainer", "epochs done", "'cross_entropy'", "(n, 24)", "clip_norm"], 1),
        ("model", ["0 Dense(6, 24, activation='tanh', init='xavier_uniform')", "(n, 6)", "600"], 0),
        ("optimizer", ["Adam", "cosine(0.01, 50, 0.0)", "clip_norm", "1.0"], 1),
        ("history", ["val_accuracy", "in epoch"], 2),
        ("report", ["Verdict: healthy", "|gradient|"], 3),
        ("long", ["Verdict: vanishing gradients", "21 layers"], 2),
        ("short", ["Verdict: healthy", "dead"], 0),
    ],
)
def test_an_object_has_html(name: str, texts: list[str], pictures: int) -> None:
    found = Reader(objects()[name]._repr_html_())
    everything = "\n".join(found.texts)
    assert all(text in everything for text in texts), everything
    assert found.tags.count("svg") == pictures
    assert len(found.values.get("aria-label", [])) == pictures, "each picture has a text"
    assert not {"script", "link", "img", "style"} & set(found.tags)


def test_a_column_without_numbers_is_left_out() -> None:
    columns = {"saturated", "dead", "|step|/|w|"}
    for name, shown in {"short": {"dead"}, "report": columns}.items():
        assert columns & set(Reader(objects()[name]._repr_html_()).texts) == shown


def test_text_is_escaped() -> None:
    found = Reader(table(["<b>", "a & b"], [["x < y", Markup("<em>1</em>")]]))
    assert found.tags.count("b") == 0
    assert "".join(found.texts) == "<b>a & bx < y1"
    assert "em" in found.tags

    class Odd(nn.Dense):
        def __repr__(self) -> str:
            return "<script>alert(1)</script>"

    model = nn.Sequential(Odd(6, 3), rng=0)
    report = diagnostics.report(model, *samples())
    for text in (model._repr_html_(), report._repr_html_(), Trainer(model)._repr_html_()):
        assert "script" not in Reader(text).tags


def test_a_chart_has_the_numbers_where_they_belong() -> None:
    path = Reader(chart("loss", {"a": [1.0, np.nan, 100.0, 10.0]}, log=True)).values["d"][0]
    assert path == "M6.0 90.0M158.0 6.0L234.0 48.0", "a gap where a number is missing"
    assert chart("loss", {"a": [np.nan, np.inf]}) == ""
    assert "to 5" in chart("loss", {"a": [5.0]})


def test_a_history_that_diverged_has_html() -> None:
    assert "nan" in History(loss=[np.nan, np.nan], seconds=[1.0, 1.0])._repr_html_()
    assert "best" in History()._repr_html_()


def test_reprs_are_short_and_tell_the_state() -> None:
    found = {name: repr(one) for name, one in objects().items()}
    assert found["trainer"].startswith("Trainer(Sequential(Dense(6, 24, activation='tanh'")
    assert found["trainer"].endswith(
        "loss='cross_entropy', optimizer=Adam(lr=cosine(0.01, 50, 0.0), clip_norm=1.0), seed=0)"
        " <5 epochs, 15 steps done>"
    )
    assert found["history"].startswith("<History epochs=5, steps=15, loss: ")
    assert found["report"].startswith("Report('healthy', loss=")


def test_a_notebook_shows_them() -> None:
    reason = "needs the extra [peers]: nbclient, ipykernel"
    nbclient = pytest.importorskip("nbclient", reason=reason)
    nbformat = pytest.importorskip("nbformat", reason=reason)
    pytest.importorskip("ipykernel", reason=reason)
    code = (
        "import numpy as np, simdnn\nfrom simdnn import diagnostics, nn\n"
        "x, y = np.eye(4, dtype=np.float32), np.arange(4)\n"
        "trainer = simdnn.Trainer(nn.Sequential(nn.Dense(4, 4), rng=0), seed=0)"
    )
    shown = ["trainer", "trainer.model", "trainer.optimizer", "trainer.fit(x, y, epochs=3)"]
    shown += ["diagnostics.report(trainer, x, y)"]
    cells = [nbformat.v4.new_code_cell(text) for text in (code, *shown)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(notebook, kernel_name="python3", timeout=120).execute()
    for cell in notebook.cells[1:]:
        (output,) = cell.outputs
        assert Reader(output.data["text/html"]).tags.count("table") >= 1, cell.source
