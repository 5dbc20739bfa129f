"""The documentation that both estimators share."""

from __future__ import annotations

from typing import TypeVar

Estimator = TypeVar("Estimator", bound=type)

PARAMETERS = """Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
    activation : str, Activation or a list of them, default="relu"
        "identity", "logistic", "tanh", "relu", or any activation of `simdnn.functional` by its name, or a
        layer such as ``nn.LeakyReLU(0.2)``; a list has one for each hidden layer.
    solver : {"lbfgs", "sgd", "adam"}, default="adam"
        As in scikit-learn; lbfgs needs SciPy.
    alpha : float, default=1e-4
        L2 penalty of the weights, not of the biases: alpha / 2 |W|^2 over the batch's samples.
    batch_size, learning_rate, learning_rate_init, power_t, max_iter, shuffle, random_state, tol, verbose, \
warm_start, momentum, nesterovs_momentum, early_stopping, validation_fraction, beta_1, beta_2, epsilon, \
n_iter_no_change, max_fun
        As in scikit-learn, with its defaults. The same ``random_state`` gives the same bits whatever the
        machine and the number of threads."""

EXTRAS = """init : str, callable or None, default=None
        A name of `simdnn.init`, or called as ``init(shape, rng=rng, dtype=dtype)``, for the weights; biases
        are then zero. None draws both as scikit-learn does.
    optimizer : str, optim.Optimizer or None, default=None
        In place of `solver`: a name, with `learning_rate_init`, or one without params of its own, which is
        copied, and whose rate may be a schedule. `learning_rate` then has no say.
    dropout : float, default=0
        Probability with which outputs of hidden layers are zero while training.
    batch_norm : bool, default=False
        Batch normalization between each hidden layer and its activation.
    residual : bool, default=False
        Adds to each hidden layer but the first its input, where both have the same size.
    l1 : float, default=0
        L1 penalty of the weights, over the batch's samples as `alpha`.
    clip_norm : float or None, default=None
        Bound of the norm of the gradients, before penalties.
    pretrain : str, dict or None, default=None
        Trains the hidden layers without labels before the first epoch: the method of
        `simdnn.pretrain.greedy_layerwise`, "autoencoder", "denoising" or "rbm", or a dict of its settings.
    callbacks : list of callables or None, default=None
        Each is called ``callback(estimator, logs)`` after an epoch, ``logs`` a dict with "loss", "val_loss"
        and "val_score" as there are; a true answer ends the training. A `simdnn.callbacks.Callback`, such as
        `simdnn.callbacks.CSVLogger`, is given the trainer in place of the estimator; a
        `simdnn.callbacks.ModelCheckpoint` needs ``model_only=True``.
    dtype : dtype or None, default=None
        Of the network and all arithmetic: float32 or float64. None is that of X; float64 samples are cast
        batch by batch.
    n_threads : int or None, default=None
        Bound of the threads while this estimator computes, in the whole process. None leaves it at
        `simdnn.set_num_threads`."""

ATTRIBUTES = """coefs_, intercepts_ : lists of arrays, shapes (in, out) and (out,)
        Writeable; what is written to them, or set in their place, is what the network computes with.
    loss_, best_loss_, loss_curve_ : float, float and list
        Of the last epoch, the least, and of each epoch, penalties included.
    validation_scores_, best_validation_score_
        With ``early_stopping``, else None.
    validation_loss_curve_ : list
        With an ``eval_set``.
    n_iter_, t_, n_layers_, n_outputs_, out_activation_, n_features_in_, feature_names_in_
        As in scikit-learn.

    Notes
    -----
    Sparse samples are spread out batch by batch while training, and some megabytes at a time to predict."""


def documented(estimator: Estimator) -> Estimator:
    """Fills in the parts that both have."""
    text = estimator.__doc__ or ""
    for name, value in (("parameters", PARAMETERS), ("extras", EXTRAS), ("attributes", ATTRIBUTES)):
        text = text.replace("{" + name + "}", value)
    estimator.__doc__ = text
    return estimator
