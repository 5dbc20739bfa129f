"""The parts of the documentation that both estimators share."""

from __future__ import annotations

from .._utils.estimators import documented_by

PARAMETERS = """Parameters
    ----------
    preset : {"fast", "default", "best"}, default="default"
        "fast" and "default" are networks alone: four with 16 epochs, or eight with 32. "best" is ten,
        together with scikit-learn's gradient boosting on the same folds, weighted by their predictions out of
        fold; it needs skops to be saved, and only its networks can be exported.
    n_members : int or None, default=None
        Number of folds and networks, at least 2; None is that of the preset.
    time_limit : float or None, default=None
        Seconds that a fit may take, about: it trains fewer epochs, members and trees. The result then
        depends on the speed of the machine. None is no limit.
    hidden_layer_sizes : sequence of int or None, default=None
        Number of units of each hidden layer of all networks; None is (96, 96, 96), (128, 96), (96,) and
        (64, 64, 64, 64) in turn, as unlike networks average better than equal ones; (96, 96), (128, 96),
        (96,) and (64, 64, 64) for "fast", and (96, 96, 96) for "best".
    epochs, batch_size : int or None, default=None
        Epochs and rows of a mini-batch; None is those of the preset."""

EXTRAS = """random_state : int, RandomState or None, default=None
        Seed of folds, initial weights and the order of rows. The same seed gives the same bits on every
        machine and with any number of threads, trees and a `time_limit` aside.
    progress : bool or "auto", default="auto"
        Show a tqdm bar over the networks; "auto" shows it on a terminal if tqdm is installed.
    warm_start : bool, default=False
        True is refused: folds are trained from the start.
    n_threads : int or None, default=None
        Largest number of threads. None is that of `simdnn.set_num_threads`."""

ATTRIBUTES = """oof_prediction_ : array
        Prediction of each row by the member that has not trained on it, of the shape of predictions; rows of
        weight 0 get the mean of all members.
    oof_score_ : float
        Score of `oof_prediction_`: accuracy or R^2.
    history_ : list of History
        Metrics of the epochs of each network; those of its fold, or of ``eval_set``, are `val_loss`.
    columns_ : table.Columns
        The fitted preprocessing, of the columns that the networks read: "default" and "best" leave out those
        that tell nothing.
    ensemble_ : nn.Ensemble
        The networks, for `simdnn.onnx.export`, `simdnn.save` and others.
    trees_, networks_share_ : object or None, float
        The trees of ``preset="best"``, and the weight of the networks beside them.
    n_features_in_, feature_names_in_
        As in scikit-learn.

    Notes
    -----
    Samples are a DataFrame of pandas, Polars, pyarrow or others, a dictionary of columns, or an array,
    also a structured one. Columns of numbers, of words and of dates are told apart by their types; all may
    have missing values, and words unknown ones. Dates are those of every library, and columns of words such
    as "2020-01-31" or "2020-01-31T12:30" alone; they become days since 1970, month, day, weekday and hour, in
    UTC. Folds mix all dates: for rows later than those of the fit, hold out the last months and measure them.

    A network is trained on all folds but its own, which decides the epoch that it keeps: that of the lowest
    loss. Networks of a classifier keep one epoch, the last one of about the highest mean accuracy, except
    those of "best".

    With "default", at least 2,000 rows and at most 200 columns (32 for "best"), four small networks come
    first: columns whose joint shuffling does not raise their loss out of fold by more than a standard error
    are left out, except if there are quantiles or too little time. Dictionaries of samples to predict need
    the other columns alone; graphs of ONNX take all.

    Numbers are scaled by quantiles and clipped smoothly, and have piecewise-linear codes between bins
    (Gorishniy et al. 2022). Half of their borders are thresholds of a decision tree of the column, or all of
    them quantiles for "best". Categories are one-hot, or above 64 embedded. Initial weights, optimizer and
    schedule are those of RealMLP.

    References
    ----------
    Holzmueller, Grinsztajn & Steinwart 2024, "Better by default: strong pre-tuned MLPs and boosted trees on
    tabular data", arXiv:2407.04491. Gorishniy, Rubachev & Babenko 2022, "On embeddings for numerical features
    in tabular deep learning", arXiv:2203.05556. Breiman 1996, "Bagging predictors".
    Breiman 2001, "Random forests", for shuffled columns."""

#: Decorator that fills these parts into the docstring of an estimator.
documented = documented_by(parameters=PARAMETERS, extras=EXTRAS, attributes=ATTRIBUTES)
