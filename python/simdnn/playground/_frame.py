"""The picture of a training that goes to the page: numbers, decision surface, layers, verdict."""

from __future__ import annotations

import base64
import math
import threading
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import diagnostics
from .. import functional as F
from ..diagnostics import LayerReport, Report
from ._session import Session, Snapshot

#: Points of a side of the decision surface, and levels of confidence of each class.
SIDE, LEVELS = 64, 32
#: Byte of a point whose outputs are not finite.
UNKNOWN = 255
#: Test images that the page shows, and samples that the verdict is found with.
IMAGES, EXAMINED = 40, 256
#: Seconds between two verdicts of a training that runs, and their largest share of a processor.
EVERY, SHARE = 0.25, 0.2


class View:
    """The view of a session: it draws each state once, and examines the network now and then."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.reach = round(1.15 * float(np.abs(session.samples.x).max()), 2)
        axis = np.linspace(-self.reach, self.reach, SIDE, dtype=np.float32)
        self._grid = np.stack(np.meshgrid(axis, -axis), axis=-1).reshape(-1, 2)
        self._lock = threading.Lock()
        self._report: Report | None = None
        self._due = 0.0
        self._latest: dict[str, Any] = {"version": 0}

    def description(self) -> dict[str, Any]:
        """The facts that do not change while the network trains."""
        s, model = self.session.samples, self.session.snapshot(0, 0).trainer.model
        found: dict[str, Any] = {
            "session": self.session.key,
            "program": self.session.program,
            "classes": s.classes,
            "parameters": model.flat_parameters.size,
        }
        if s.planar:
            points: dict[str, NDArray[Any]] = {"x": s.x, "y": s.y, "x_test": s.x_test, "y_test": s.y_test}
            found |= {"reach": self.reach, "side": SIDE, "levels": LEVELS}
            return found | {"points": {name: np.round(value, 3).tolist() for name, value in points.items()}}
        images = np.round(s.x_test[:IMAGES] * 255).astype(np.uint8)
        return found | {"images": {"pixels": _encoded(images), "labels": s.y_test[:IMAGES].tolist()}}

    def frame(self, seen: int, seconds: float) -> dict[str, Any]:
        """The state as soon as its version is above `seen`, or after some seconds."""
        now = self.session.snapshot(seen, seconds)
        with self._lock:
            if self._latest["version"] < now.version:
                self._latest = self._drawn(now)
            return self._latest

    def _drawn(self, now: Snapshot) -> dict[str, Any]:
        """The frame of a state."""
        report = self._examined(now)
        scores = {name: _number(value) for name, value in vars(now.scores).items()}
        return {
            **{"version": now.version, "state": now.state, "steps": now.steps, "speed": round(now.speed)},
            **scores,
            "curve": [[_number(value) for value in values] for values in now.curve],
            "seen": self._seen(now),
            "layers": self._layers(report),
            "verdict": report.verdict,
            "problems": [
                {"words": words, "seen": found, "remedy": remedy} for words, found, remedy in report.advice
            ],
        }

    def _examined(self, now: Snapshot) -> Report:
        """The report on the network, which may be some moments old while it trains."""
        begin = time.monotonic()
        if self._report is None or now.state != "running" or begin >= self._due:
            s = self.session.samples
            self._report = diagnostics.report(now.trainer, s.x[:EXAMINED], s.y[:EXAMINED])
            spent = time.monotonic() - begin
            self._due = begin + max(EVERY, spent / SHARE)
        return self._report

    def _seen(self, now: Snapshot) -> Any:
        """The decision surface, a byte for each point, or the predicted digits."""
        s = self.session.samples
        if not s.planar:
            return now.trainer.model(s.x_test[:IMAGES]).argmax(axis=1).tolist()
        with np.errstate(all="ignore"):
            chances = F.softmax(now.trainer.model(self._grid))
        best, classes = chances.max(axis=1), s.classes
        floor = 1 / classes  # the confidence of a guess
        level = np.clip((best - floor) / (1 - floor) * LEVELS, 0, LEVELS - 1)
        code = np.where(np.isfinite(best), chances.argmax(axis=1) * LEVELS + np.nan_to_num(level), UNKNOWN)
        return _encoded(code.astype(np.uint8))

    def _layers(self, report: Report) -> list[dict[str, Any]]:
        """The statistics of each block of the network."""
        rows, begin = [], 0
        for block in self.session.blocks:
            part = report.layers[begin : begin + len(block.layers)]
            begin += len(block.layers)
            rows.append({"label": block.label, **_statistics(part)})
        return rows


def _statistics(part: tuple[LayerReport, ...]) -> dict[str, float | None]:
    """The statistics of the layers of a block; those of a report without layers are None."""
    if not part:
        return dict.fromkeys(("activation", "gradient", "update", "saturated", "dead"))
    product = part[0]
    shares = {name: [getattr(one, name) for one in part] for name in ("saturated", "dead")}
    return {
        "activation": _number(part[-1].std),
        "gradient": _number(product.gradient_rms),
        "update": _number(product.update_ratio),
        **{name: _number(np.nanmax([*values, -1])) for name, values in shares.items()},
    }


def _number(value: float) -> float | None:
    """A number of few digits for JSON, which has none that is not finite."""
    return float(f"{value:.5g}") if math.isfinite(value) else None


def _encoded(values: NDArray[np.uint8]) -> str:
    """Bytes as text."""
    return base64.b64encode(values.tobytes()).decode()
