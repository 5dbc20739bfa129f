"""Base of all optimizers: settings, binding to arrays, steps, state."""

from __future__ import annotations

import copy
import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from numpy.typing import ArrayLike, NDArray

from .. import _core
from .._utils.check import check_flag, check_name, check_sequence, not_of_items
from .._utils.hints import among, keyword_hint, points_out_names
from ..schedules import ReduceOnPlateau, Schedule
from ._binding import WithParams
from ._declare import declare, options_documentation
from ._groups import ParamGroup, described_groups, is_grouped, param_groups
from ._rates import WithRates
from ._settings import OPTIONS, RULES, Argument, from_native, split_pairs, to_native
from ._show import optimizer_html
from ._state import load_state, resume_state, state_of

if TYPE_CHECKING:
    from ..nn import Sequential

Params: TypeAlias = "Sequence[NDArray[Any] | Sequential] | Sequence[Mapping[str, Any]] | Sequential | None"

#: Attributes that `Optimizer` sets on its instances; a copy has the others, of a user's subclass, too.
_ATTRIBUTES = (
    "_config",
    "_own",
    "_schedule",
    "_decay",
    "_alone",
    "_native",
    "_shapes",
    "_bound",
    "_gradients",
    "_params",
    "_members",
)


@points_out_names
class Optimizer(WithParams, WithRates):
    """Base of all optimizers; use one of its subclasses.

    Each of them takes by keyword:

    like : {"torch", "keras", "sklearn", "textbook"}, default "torch"
        Defaults and variants to follow; arguments that are given win. Each class lists its own. "textbook"
        has the learning rate inside the velocity (Goodfellow, Bengio & Courville 2016, "Deep Learning",
        algorithms 8.2, 8.3 and 8.6) and eps under the root (algorithm 8.5; for all adaptive rules Géron 2019,
        "Hands-on machine learning", 2nd edition, chapter 11).
    OPTIONS

    params may be groups, as in PyTorch: a list of dictionaries with "params" and, where it differs from the
    optimizer's, a number "lr" or a factor of the optimizer's rate "lr_factor", and "weight_decay" or
    "weight_decay_factor". Factors follow a schedule and later changes of the optimizer's number; a number
    stays. The factor "lr_factor" 0 freezes a group: its parameters and their state stay as they are, and its
    gradients count neither for `clip_norm` nor for l1 and l2. With arrays or models in "params" the optimizer
    updates them alone; with names, such as "0.weight", or "0" for all parameters of a layer, a `Trainer`
    binds it, and parameters in no group are the last group. `param_groups` shows and changes the groups.

    All of this happens in the one pass that updates the parameters; only `clip_norm` and `skip_nonfinite`
    read the gradients once before. The bits do not depend on the number of threads, on alignment, or on how
    the parameters are split into arrays.

    A copy or pickle holds the settings, and the attributes that a subclass adds: it is bound to no
    parameters, and begins at step 0.

    Examples
    --------
    >>> from simdnn import optim
    >>> optimizer = optim.Adam(lr=1e-3)
    >>> optimizer.lr /= 10
    >>> isinstance(optimizer, optim.Optimizer)
    True

    Source: Srebro & Shraibman 2005 (max_norm); Pascanu, Mikolov & Bengio 2013 (clip_norm).
    """

    #: Update rules of the registry that the class follows; the first has the hyper-parameters of all of them.
    _rules: ClassVar[tuple[str, ...]] = ()
    #: Arguments after params and lr that may be given by position, in PyTorch's order.
    _positional: ClassVar[tuple[str, ...]] = ()
    #: Arguments that no rule of the registry has.
    _own_arguments: ClassVar[tuple[Argument, ...]] = ()
    #: Own arguments that choose the rule, as PyTorch's param groups list them.
    _structure: ClassVar[tuple[str, ...]] = ()
    #: Settings that cannot change later.
    _fixed: ClassVar[tuple[str, ...]] = ()
    #: Defaults that differ from those of the rule.
    _defaults: ClassVar[dict[str, Any]] = {}
    #: Settings by the value of `like`.
    _presets: ClassVar[dict[str, dict[str, Any]]] = {}
    #: All arguments besides params, made from the above.
    _arguments: ClassVar[dict[str, Argument]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if vars(cls).keys() & {"_rules", "_defaults", "_presets"}:
            declare(cls)

    if not TYPE_CHECKING:  # type checkers take any attribute where there is a __setattr__

        def __setattr__(self, name: str, value: object) -> None:
            kind = type(self)  # a user's subclass may have attributes of its own
            if kind.__module__.startswith("simdnn.") and not name.startswith("_") and not hasattr(kind, name):
                raise AttributeError(f"{name}: {kind.__name__} has no such setting{self._known(name)}")
            super().__setattr__(name, value)

    def _known(self, name: str) -> str:
        """The names of the settings, and the one that is meant, for errors."""
        return among(name, [*self._arguments, *OPTIONS])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise TypeError(f"{type(self).__name__}: use one of the subclasses of Optimizer")

    def _initialize(self, params: Params, given: dict[str, Any], options: dict[str, Any]) -> None:
        """Completes the arguments of the constructor by defaults and those of `like`, and takes them over."""
        presets = {"torch": {}, **self._presets}
        like = check_name("like", options.pop("like", "torch"), presets)
        if unknown := options.keys() - OPTIONS.keys():
            first = sorted(unknown)[0]
            hint = keyword_hint(first, [*self._arguments, *OPTIONS])
            raise TypeError(f"{type(self).__name__}: unexpected argument {first!r}{hint}")
        defaults = {name: argument.default for name, argument in self._arguments.items()}
        values = defaults | presets[like] | given
        decay = values["weight_decay"]
        if isinstance(decay, Schedule):
            values = values | {"weight_decay": 0.0}
        hypers = self._checked_hypers(values)
        rule = self._choose_rule(values)
        own = {argument.name: argument.checked(values[argument.name]) for argument in self._own_arguments}
        used = {name: value for name, value in hypers.items() if name in RULES[rule]["hypers"]}
        unused = {name: value for name, value in hypers.items() if name not in used}
        self._configure(rule, used | options, own | unused)
        self.lr, self.weight_decay = values["lr"], decay
        if is_grouped(params):
            params = self._take_groups(params)
        if params is not None:
            self._take(params)

    def _checked_hypers(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The hyper-parameters besides lr, all in range, even those that the chosen rule does not use."""
        rule, given = self._rules[0], split_pairs(dict(values))
        names = [name for name in RULES[rule]["hypers"] if name != "lr"]
        native = {name: to_native(name, given[name]) for name in names}
        _core.OptimizerConfig(rule, native)  # refuses values out of range
        return {name: from_native(name, value) for name, value in native.items()}

    def _choose_rule(self, values: Mapping[str, Any]) -> str:
        """The rule of the registry for these arguments."""
        return self._rules[0]

    def _configure(self, rule: str, settings: Mapping[str, Any], own: dict[str, Any]) -> None:
        """Takes over settings in the form that users write, bound to no parameters."""
        native = {name: to_native(name, value) for name, value in settings.items()}
        self._config = _core.OptimizerConfig(rule, native)
        self._own = own  # the arguments that are not in the configuration of the rule
        self._schedule: Callable[[int], float] | None = None
        self._decay: Schedule | None = None
        self._unbind()

    def _adopt(self, options: Mapping[str, Any]) -> None:
        """Takes over options of a `Trainer`, unless it has other ones of its own."""
        used = {name: value for name, value in options.items() if value is not None}
        chosen = {
            name: to_native(name, value)
            for name, value in used.items()
            if OPTIONS[name]["kind"] == "bound" or value != 0
        }
        for name in chosen:
            if self._config[name] not in (chosen[name], OPTIONS[name]["default"]):
                raise ValueError(
                    f"{name}: the optimizer has {self._config[name]:g}, the Trainer {chosen[name]:g}"
                )
        _core.OptimizerConfig(self._config.rule, chosen)  # refuses values out of range
        for name, value in chosen.items():
            self._config[name] = value

    @property
    def param_groups(self) -> list[ParamGroup]:
        """The groups of parameters, as PyTorch has them; one with all of them if none were given."""
        return param_groups(self)

    @property
    def steps(self) -> int:
        """The number of steps taken."""
        return 0 if self._native is None else int(self._native.steps)

    @property
    def skipped(self) -> int:
        """The number of steps refused as not finite."""
        return 0 if self._native is None else int(self._native.skipped)

    @property
    def grad_norm(self) -> float:
        """The norm of the last step's gradients before clipping; NaN if `clip_norm` is None."""
        return math.nan if self._native is None else float(self._native.norm)

    def step(self, grads: Sequence[ArrayLike] | None = None) -> None:
        """Update the arrays given as `params` in place.

        Parameters
        ----------
        grads : sequence of arrays, or None
            Shapes as `params`, in their order; real numbers, cast to the dtype of `params`. None if `params`
            are models: their own gradients, from their last `backward`.

        Raises
        ------
        TypeError
            If `grads` is no sequence of arrays.
        ValueError
            If there are no params, or the number or a shape of the gradients differs; nothing is changed.
        """
        if self._alone is None:
            raise ValueError("step: no params to update; give params=[...] to use an optimizer alone")
        if grads is None:
            if self._gradients is None:
                raise ValueError("step: no gradients; give them, or models as params, to use their own")
            grads = self._gradients
        if not isinstance(grads, list | tuple):
            check_sequence("grads", grads, "a list of arrays")
            if isinstance(grads, Mapping):
                raise not_of_items("grads", grads, "a list of arrays")
        if self._schedule is not None:
            self._provide_rates(1)
        self._alone.step(grads)

    def state_dict(self) -> dict[str, Any]:
        """Copies of the state and the settings, in the structure and by the names of PyTorch.

        Returns
        -------
        dict
            ``{"state": {0: {"step": ..., "exp_avg": array, ...}, ...}, "param_groups": [{"lr": ..., ...}]}``,
            a state for each parameter, by position; empty before the first step, as in PyTorch. In the order
            of `params`, or of the parameters of the model. Hand it to PyTorch with its arrays as tensors
            (and weights, which PyTorch lays out (out, in), transposed).

        Raises
        ------
        ValueError
            If the optimizer has no parameters yet.
        """
        return state_of(self)

    def load_state_dict(self, state: Mapping[str, Any], *, keep_settings: bool = False) -> None:
        """Take over state and settings of another optimizer, or of PyTorch's, tensors and all.

        A schedule stays and goes on at the step of the state.

        Parameters
        ----------
        state : dict
            A result of `state_dict`.
        keep_settings : bool
            True takes over steps and buffers alone, as they are, from an optimizer of the same class: buffers
            that its settings did not need begin at 0, and those that these settings do not need are dropped.

        Raises
        ------
        KeyError, TypeError, ValueError
            If something is missing, has a different kind or shape, or would give nonsense: a number that is
            not finite or that the dtype of the parameters cannot hold, a negative square. Nothing is changed.
        """
        if check_flag("keep_settings", keep_settings):
            resume_state(self, state)
        else:
            load_state(self, state)

    def _restore(self, state: Mapping[str, Any]) -> None:
        """Takes over an optimizer's own state, which may be that of a training that diverged."""
        load_state(self, state, diverged=True)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The arguments of the constructor besides params, by name, as of scikit-learn's estimators.

        Parameters
        ----------
        deep : bool
            Of no effect: no setting has settings of its own.

        Returns
        -------
        dict

        Examples
        --------
        >>> from simdnn import optim
        >>> optim.Adam(lr=0.5).get_params()["lr"]
        0.5
        """
        return {name: getattr(self, name) for name in (*self._arguments, *OPTIONS)}

    def set_params(self, **params: Any) -> Optimizer:
        """Change settings, as scikit-learn's grids do: ``GridSearchCV(..., {"optimizer__lr": [0.1, 0.01]})``.

        Parameters
        ----------
        **params
            Settings by the names of `get_params`. Those that choose the rule, such as ``momentum``, may
            change until the optimizer is bound to parameters.

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            If a name is not known, or a value is out of its range; nothing is changed.

        Examples
        --------
        >>> from simdnn import optim
        >>> optim.SGD().set_params(lr=0.5, momentum=0.9)
        SGD(lr=0.5, momentum=0.9)
        """
        known = self.get_params()
        for name in params:
            if name not in known:
                raise ValueError(f"{name}: {type(self).__name__} has no such setting{among(name, known)}")
        given = known | params
        made = type(self).__new__(type(self))
        hypers = {name: value for name, value in given.items() if name in self._arguments}
        made._initialize(None, hypers, {name: given[name] for name in OPTIONS})
        if not self._bound:
            made._config.groups = self._config.groups
            self._config, self._own, self._decay = made._config, made._own, made._decay
            del made  # it may have taken the schedule
            self.lr = given["lr"]
            return self
        del made
        for name, value in params.items():
            if name in self._fixed and value != known[name]:
                raise ValueError(f"{name}: fixed once the optimizer is bound to parameters")
        for name, value in params.items():
            if name not in self._fixed:
                setattr(self, name, value)
        return self

    def __sklearn_clone__(self) -> Optimizer:
        return copy.deepcopy(self)

    def _reset(self) -> None:
        """Returns to the state before the first step."""
        for slot in self._native.slots():
            slot[...] = 0
        self._native.scalar_state = list(RULES[self._config.rule]["scalar_state"].values())
        self._native.steps = 0

    def __copy__(self) -> Optimizer:
        make, (*parts, schedule, decay, groups), *added = self.__reduce__()
        if isinstance(schedule, ReduceOnPlateau):
            schedule = copy.copy(schedule)  # it counts epochs: each copy has its own
        made: Optimizer = make(*parts, schedule, decay, groups)
        vars(made).update(*added)
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        names = (*RULES[self._config.rule]["hypers"], *OPTIONS)
        settings = {name: from_native(name, self._config[name]) for name in names}
        schedules = self._schedule, self._decay
        made = (type(self), self._config.rule, settings, self._own, *schedules, described_groups(self))
        added = {name: value for name, value in vars(self).items() if name not in _ATTRIBUTES}
        return (_copied, made, added) if added else (_copied, made)

    def __repr__(self) -> str:
        rows = RULES[self._config.rule]["hypers"]
        shown = [repr(groups)] if (groups := described_groups(self)) else []
        shown.append(f"lr={self.lr!r}" if self._schedule is not None else f"lr={self.lr:g}")
        if self._decay is not None:
            shown.append(f"weight_decay={self._decay!r}")
        for name, row in rows.items():
            scheduled = name == "weight_decay" and self._decay is not None
            if name != "lr" and self._config[name] != row["default"] and not scheduled:
                shown.append(f"{name}={from_native(name, self._config[name])!r}")
        own = {argument.name: argument.default for argument in self._own_arguments}
        shown += [f"{name}={self._own[name]!r}" for name in own if self._own[name] != own[name]]
        options = {name: row["default"] for name, row in OPTIONS.items() if name not in rows}
        for name, default in options.items():
            if self._config[name] != default:
                shown.append(f"{name}={from_native(name, self._config[name])!r}")
        return f"{type(self).__name__}({', '.join(shown)})"

    def _repr_html_(self) -> str:
        return optimizer_html(self)


if Optimizer.__doc__:
    Optimizer.__doc__ = Optimizer.__doc__.replace(
        "    OPTIONS\n", textwrap.indent(options_documentation(), "    ")
    )


def _copied(
    kind: type[Optimizer],
    rule: str,
    settings: dict[str, Any],
    own: dict[str, Any],
    schedule: Callable[[int], float] | None,
    decay: Schedule | None = None,
    groups: Sequence[Mapping[str, Any]] = (),
) -> Optimizer:
    """An optimizer of these settings and groups by name, without parameters."""
    optimizer = kind.__new__(kind)
    optimizer._configure(rule, settings, dict(own))
    if schedule is not None:
        optimizer.lr = schedule
    if decay is not None:
        optimizer.weight_decay = decay
    if groups:
        optimizer._take_groups(groups)
    return optimizer
