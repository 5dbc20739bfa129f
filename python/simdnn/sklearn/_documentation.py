"""The parts of the documentation that both estimators share."""

from __future__ import annotations

from .._utils.estimators import documented_by

PARAMETERS = """Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(100,)
        Number of units of each hidden layer.
    activation : str, Activation or a list of them, default="relu"
        "identity", "logistic", "tanh", "relu", the name of any other activation of `simdnn.functional`, or a
        layer such as ``nn.LeakyReLU(0.2)``; a list has one entry per hidden layer.
    solver : {"lbfgs", "sgd", "adam"}, default="adam"
        As in scikit-learn; lbfgs needs SciPy.
    alpha : float, default=1e-4
        Strength of the L2 penalty of the weights: alpha / 2 |W|^2, divided by the number of samples of the
        batch, is added to the loss. Biases are not penalized.
    batch_size, learning_rate, learning_rate_init, power_t, max_iter, shuffle, random_state, tol, verbose, \
warm_start, momentum, nesterovs_momentum, early_stopping, validation_fraction, beta_1, beta_2, epsilon, \
n_iter_no_change, max_fun
        As in scikit-learn, with its defaults. The same ``random_state`` gives the same bits on every
        machine and with any number of threads."""

EXTRAS = """init : str, callable or None, default=None
        Initializer of the weights: a name of `simdnn.init`, or a function that is called as
        ``init(shape, rng=rng, dtype=dtype)``; biases are then zero. None draws both as scikit-learn does.
    optimizer : str, optim.Optimizer or None, default=None
        Optimizer to use instead of `solver`: a name, which gets `learning_rate_init`, or an optimizer without
        params, which is copied and whose lr may be a schedule. `learning_rate` is then ignored.
    dropout : float, default=0
        Probability with which an output of a hidden layer is set to zero during training.
    batch_norm : bool, default=False
        Add batch normalization between each hidden layer and its activation.
    residual : bool, default=False
        Add its input to the output of each hidden layer but the first, where both have the same size.
    l1 : float, default=0
        Strength of the L1 penalty l1 |W|_1, divided by the number of samples like that of `alpha`.
    clip_norm : float or None, default=None
        Largest norm of all gradients together, before penalties are added; None does not clip.
    pretrain : str, dict or None, default=None
        Unsupervised pre-training of the hidden layers before the first epoch: a method of
        `simdnn.pretrain.greedy_layerwise` ("autoencoder", "denoising" or "rbm"), or a dict of its arguments.
    callbacks : list of callables or None, default=None
        Functions that are called as ``callback(estimator, logs)`` after each epoch. ``logs`` is a dict with
        "loss" and, where they apply, "val_loss" and "val_score". Training ends if one returns a true value. A
        `simdnn.callbacks.Callback`, such as `simdnn.callbacks.CSVLogger`, or another object with a method
        ``on_fit_begin`` or ``on_fit_end``, gets the trainer instead of the estimator. A
        `simdnn.callbacks.ModelCheckpoint` needs ``model_only=True`` here.
    n_members : int, default=1
        Number of networks, each with a seed from `random_state`, whose probabilities, scores or values are
        averaged. Without bagging each member is the estimator that its seed gives; `warm_start`,
        `partial_fit` and ``eval_set`` go on with each.
    bagging : {"folds", "bootstrap"} or None, default=None
        Rows that each member trains on. "folds" splits them into `n_members` folds, stratified by class, and
        each member leaves one out; "bootstrap" draws as many rows as there are, with replacement. The rows
        out of its bag end a member's training: their loss, or with `early_stopping` their score, after
        `n_iter_no_change` epochs without an improvement of `tol`; the member keeps the parameters of its best
        epoch. None is all rows for each. Bagging cannot be combined with `warm_start`, `partial_fit` and
        ``eval_set``.
    dtype : dtype or None, default=None
        dtype of the network and all arithmetic: float32 or float64. None is that of X. Samples of another
        dtype are cast batch by batch.
    n_threads : int or None, default=None
        Largest number of threads that this estimator computes on. None is that of `simdnn.set_num_threads`,
        and one in each worker thread of joblib's threading backend."""

ATTRIBUTES = """coefs_, intercepts_ : lists of arrays, shapes (in, out) and (out,)
        Weights and biases of each layer. They are writable: the network computes with values that are written
        to them, and with arrays that are assigned in their place.
    loss_, best_loss_, loss_curve_ : float, float and list
        Loss of the last epoch, smallest loss, and loss of each epoch, penalties included.
    validation_scores_, best_validation_score_
        Score after each epoch and the best one, with ``early_stopping``; else None.
    validation_loss_curve_ : list
        Loss of the ``eval_set`` after each epoch, if there is one.
    members_ : list of estimators
        The fitted members, if there are several; they have the attributes above, of which the estimator
        itself has only `loss_`, the mean.
    oof_prediction_ : array, shape (n, n_classes), (n,) or (n, outputs)
        Predictions out of the bag, with bagging: probabilities, scores or values, averaged over the members
        that have not trained on the row; NaN where all have.
    n_iter_, t_, n_layers_, n_outputs_, out_activation_, n_features_in_, feature_names_in_
        As in scikit-learn.

    Notes
    -----
    Of several members, `n_iter_` is the largest number of epochs.

    Sparse samples are made dense batch by batch in training, and some megabytes at a time in prediction."""

#: Decorator that fills these parts into the docstring of an estimator.
documented = documented_by(parameters=PARAMETERS, extras=EXTRAS, attributes=ATTRIBUTES)
