"""Hints at names that are meant, in the errors about names that are not known."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
Kind = TypeVar("Kind", bound=type)

#: Names of PyTorch, Keras and scikit-learn that a module or class does not have, and the end of its error.
ATTRIBUTES = {
    "simdnn": {"Sequential": "it is simdnn.nn.Sequential"},
    "simdnn.nn": {
        "BatchNorm": "its name here is BatchNorm1d",
        "BatchNormalization": "its name here is BatchNorm1d",
        "BCELoss": 'give a Trainer loss="binary_cross_entropy"',
        "BCEWithLogitsLoss": 'give a Trainer loss="binary_cross_entropy_with_logits"',
        "CrossEntropyLoss": 'give a Trainer loss="cross_entropy"',
        "Flatten": "reshape the samples: x.reshape(len(x), -1)",
        "Input": "a layer is told its in_features",
        "L1Loss": 'give a Trainer loss="l1"',
        "LayerNormalization": "its name here is LayerNorm",
        "Linear": "its name here is Dense",
        "Module": "networks are nn.Sequential",
        "MSELoss": 'give a Trainer loss="mse"',
    },
    "simdnn.optim": {"lr_scheduler": "see simdnn.schedules: optim.Adam(lr=schedules.cosine(...))"},
    "Sequential": {
        "compile": "write simdnn.Trainer(model, loss, optimizer)",
        "eval": "model(x) predicts, model.forward(x, training=True) trains",
        "fit": "write simdnn.Trainer(model).fit(...)",
        "predict": "write model(x), or model.freeze().predict(x)",
        "summary": "print(model) shows the layers, model.profile(...) their cost",
        "train": "model(x) predicts, model.forward(x, training=True) trains",
    },
    "Predictor": {
        "freeze": "it is frozen",
        "predict_proba": "simdnn.functional.softmax(predictor.predict(x)) gives probabilities from logits",
    },
    "Trainer": {
        "freeze": "write trainer.model.freeze()",
        "predict": "write trainer.model(x)",
        "train": "its name here is fit",
    },
    "Optimizer": {"zero_grad": "leave it out: each backward overwrites the gradients"},
}

#: Keywords of PyTorch, Keras and scikit-learn: the name here, which a note may follow.
KEYWORDS = {
    "alpha": "l2",
    "beta_1": "betas",
    "beta_2": "betas",
    "callbacks": "patience, with monitor and restore_best",
    "clipnorm": "clip_norm",
    "clipvalue": "clip_value",
    "decay_rate": "gamma",
    "decay_steps": "steps",
    "epochs": "steps, which counts updates: epochs times the batches of an epoch",
    "epsilon": "eps",
    "eta_min": "end",
    "initial_learning_rate": "lr",
    "learning_rate": "lr",
    "lr": "optimizer, as in optimizer=optim.Adam(lr=1e-3)",
    "max_iter": "epochs",
    "metrics": "loss: losses of classes bring the accuracy",
    "min_lr": "end",
    "restore_best_weights": "restore_best",
    "T_max": "steps, which counts updates: epochs times the batches of an epoch",
    "total_steps": "steps",
    "validation_data": "validation",
    "validation_split": "validation_data, a pair (X, y)",
    "verbose": "progress",
}


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most similar in spelling, whatever its case; None if none is."""
    from difflib import get_close_matches

    words = {one.lower(): one for one in known}
    found = get_close_matches(word.lower(), words, 1)
    return words[found[0]] if found else None


def meant(word: Any, known: Iterable[str]) -> str:
    """The end of an error message that asks for the known word which is most similar, if one is."""
    found = closest(word, known) if isinstance(word, str) else None
    return "" if found is None else f"; did you mean {found!r}?"


def among(word: Any, known: Iterable[str]) -> str:
    """The end of an error message about an unknown word: the one that is meant, and all known ones."""
    words = list(known)
    hint = meant(word, words)
    return f"{hint}{' K' if hint else '; k'}nown: {', '.join(words) or 'none'}"


def keyword_hint(word: str, known: Iterable[str]) -> str:
    """The end of an error message about an unknown keyword: its name here, or as of `among`."""
    words, here = list(known), KEYWORDS.get(word, "")
    if re.split(r"\W", here)[0] in words:
        return f"; its name here is {here}"
    return among(word, words)


def no_attribute(module: str, name: str) -> AttributeError:
    """The error about a name that a module does not have."""
    hint = ATTRIBUTES.get(module, {}).get(name)
    return AttributeError(f"module {module!r} has no attribute {name!r}{f'; {hint}' if hint else ''}")


class Elsewhere:
    """An attribute of other libraries' classes: reading it raises an error that tells the way here."""

    def __init__(self, kind: type, name: str, hint: str) -> None:
        self._kind, self._name, self._hint = kind, name, hint

    def __get__(self, instance: object, owner: type) -> Any:
        found = getattr(super(self._kind, owner if instance is None else instance), self._name, self)
        if found is not self:  # a user's subclass has it from another base
            return found
        raise AttributeError(f"{owner.__name__!r} object has no attribute {self._name!r}; {self._hint}")

    def __repr__(self) -> str:
        return f"<no attribute; {self._hint}>"


def points_out_names(kind: Kind) -> Kind:
    """Decorator of a class: errors about names of `ATTRIBUTES` tell the way here.

    Attributes of an instance or of a user's subclass come first; ``dir`` of an instance lists no other ones.
    A method ``__getattr__`` would make each access to an attribute slower.
    """
    names = ATTRIBUTES[kind.__name__]
    for name, hint in names.items():
        setattr(kind, name, Elsewhere(kind, name, hint))

    def listed(self: Any) -> list[str]:
        return [name for name in object.__dir__(self) if hasattr(self, name) or name not in names]

    kind.__dir__ = listed  # type: ignore[assignment]
    return kind


def points_out_keywords(function: Callable[P, R]) -> Callable[P, R]:
    """Decorator of a function or method: errors about unknown keywords tell the names here.

    An error of a method names the class of its object, also if a base defines the method.
    """

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except TypeError:
            from inspect import signature  # slow to import

            named = list(signature(function).parameters)
            unknown = next((name for name in kwargs if name not in named), None)
            if unknown is None:
                raise
        method = named[:1] == ["self"]
        name = f"{type(args[0]).__name__}.{function.__name__}" if method else function.__name__
        hint = keyword_hint(unknown, named[method:])
        raise TypeError(
            f"{name.removesuffix('.__init__')}() got an unexpected keyword argument {unknown!r}{hint}"
        )

    return call
