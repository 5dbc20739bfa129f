"""Emitter of whole models: a folded network, or the mean over several."""

from __future__ import annotations

from .. import nn
from ._layers import chain
from ._program import Program, Source, Value, literal


def emit(p: Program, model: nn.Sequential | nn.Predictor | nn.Ensemble, x: Value) -> Value:
    """Emits a model; returns its output."""
    if isinstance(model, nn.Ensemble):
        return mean(p, model, x)
    predictor = model if isinstance(model, nn.Predictor) else model.freeze()
    native = predictor._predictor
    p.source = Source(native.values, native.buffers)
    y = chain(p, predictor._arguments["layers"], x, predictor._input)
    p.source.check_end()
    return y


def mean(p: Program, model: nn.Ensemble, x: Value) -> Value:
    """Emits the members that have a weight, and their mean, whose sums are in double."""
    count, after, total = model.out_features, model._output.sequence, 0.0
    for weight in model._scaled:
        total += weight
    p.sums = count
    p.add(after, f"for (int i = 0; i < {count}; ++i) sums[i] = 0;")
    held = Value(x.address, x.size)
    for i, (member, weight) in enumerate(zip(model, model._scaled, strict=True)):
        if weight == 0:
            continue
        p.place = f"models[{i}]"
        y = emit(p, member, held)
        if model.average == "probabilities":
            y = to_probabilities(p, y, after)
        p.call(after, "add_weighted", literal(weight, ""), y, count, "sums")
        p.release(y)
    y = p.take(count)
    p.call(after, "divide", "sums", count, literal(total, ""), y)
    return y


def to_probabilities(p: Program, y: Value, sequence: bool) -> Value:
    """Emits the probabilities of logits."""
    if y.size == 1:
        return p.apply(sequence, "sigmoid", y)
    shares = p.own(y)
    p.call(sequence, "softmax", y, y.size, shares)
    return shares
