"""The docstrings of the estimators: what they share is written once, here.

Plain strings put together when the class is made, so that they are there under ``python -OO`` too.
"""

from __future__ import annotations

from string import Template


def estimator_doc(**own: str) -> str:
    """Return the docstring of an estimator, from the parts of its own named in `TEXT`."""
    return Template(TEXT).substitute({name: text.strip("\n") for name, text in own.items()})


TEXT = r"""$summary

The weights :math:`w` and the intercept :math:`b` minimise

.. math::

    F(w, b) = \frac{\sum_i s_i \, \ell(y_i, r_i)}{\sum_i s_i} + P(w),
    \qquad r_i = w^\top x_i + b,

where :math:`\ell` is the loss, :math:`P` the penalty and :math:`s_i`
$weights_are. Intercepts are not penalised.

Each axis takes a string or an object. **A string takes its hyper-parameters from the estimator; an
object carries its own.**

Parameters
----------
$loss

optimizer : str or Optimizer, default="auto"
    How the parameters move.

    - ``"auto"`` is ``"sgd"`` where any of ``learning_rate``, ``eta0`` and ``power_t`` is set, and
      otherwise the one that `sklgd.optimizers.Auto` chooses, which needs no learning rate and no
      scaling of the features. ``optimizer_`` says which.
    - ``"sgd"`` reads those three, with $sgd's meaning and defaults.
    - The other strings are those of ``sklgd.optimizers.OPTIMIZERS``: step rules such as ``"adam"``
      or ``"prodigy"``; ``"saga"`` and ``"svrg"``, whose steps on rows need no falling rate; and
      ``"gradient_descent"``, ``"lbfgs"``, ``"newton"``, ``"fista"`` and ``"sdca"``, which use all
      rows at once.
      Those with a learning rate take the estimator's where one of the three is set, and have their
      own where none is; for those without one, as ``"lbfgs"``, it is an error to set it.
    - An object of `sklgd.optimizers`, or of a class of your own.

model : str or Model, default="linear"
    What computes the raw predictions: ``"linear"``, ``"mlp"``, ``"factorization_machine"``, or an
    object of `sklgd.models` or of a class of your own. A model that is not linear has fitted
    attributes of its own in place of ``coef_`` and ``intercept_``: `sklgd.models.MLP` has
    ``coefs_``, ``intercepts_`` and ``n_layers_``.
penalty : str, Penalty or None, default="l2"
    What is added to the mean loss. ``"l2"``, ``"l1"``, ``"elasticnet"``, ``"group_lasso"``,
    ``"mcp"`` and ``"scad"`` read ``alpha``, ``"elasticnet"`` also ``l1_ratio``; ``"box"`` keeps
    weights from being negative; None adds nothing. Or an object of `sklgd.penalties`.
alpha : float, default=1e-4
    Strength of a penalty given as a string, 0 or more. It is added to the *mean* loss, so it means
    the same for every number of rows and every ``batch_size``. ``learning_rate="optimal"`` reads
    it as well.
l1_ratio : float or None, default=0.15
    Share of L1 in ``penalty="elasticnet"``, in [0, 1]: 0 is L2 and 1 is L1. None will do for other
    penalties only.
fit_intercept : bool, default=True
    Whether there is an intercept; without one, data should be centred.
max_iter : int, default=1000
    Most epochs, which are passes over the training rows, or iterations of an optimizer that uses
    all rows at once (these make a pass or more). It has no effect on ``partial_fit``.
tol : float or None, default=1e-3
    Relative tolerance. An epoch is no improvement if it lowers the objective by less than ``tol``
    times the objective's scale, the larger of its best absolute value so far and of ``tol`` times
    its first value; ``n_iter_no_change`` such epochs in a row end training, with a warning where
    the objective still falls steadily. The units of ``y`` do not matter. SAGA and SVRG stop by
    themselves where what is left to gain is small on that scale. So do optimizers that use all
    rows at once, all under ``"auto"`` among them, beside ``tol`` times what the objective has
    fallen by since the best constant prediction. None runs ``max_iter`` epochs.
batch_size : int or "auto", default="auto"
    Rows of a step. ``"auto"`` is 1 for SGD without momentum, PassiveAggressive, SAGA and SVRG.
    For other step rules it is 32, and more on wide sparse data, up to 4096, so that moving all
    parameters costs little beside reading the rows; but 1 there for AdaGrad, NormalizedAdaGrad and
    FTRL, which move none but the row's; for networks 32 to 128. Optimizers that use all rows at
    once do not read it.
shuffle : bool, default=True
    Whether step rules see the rows in a new random order each epoch.
average : bool or int, default=False
    Whether ``coef_`` and ``intercept_`` are means over the steps taken: over all of them, or from
    step number ``average`` on. Meant for step rules with a rate that decays slowly; optimizers
    that go on until they have converged, as ``"auto"`` chooses in ``fit``, have nothing to average.
epsilon : float, default=0.1
    Read by the strings ``"huber"`` (where the loss turns linear), ``"epsilon_insensitive"`` and
    ``"squared_epsilon_insensitive"`` (errors up to it are free). In the units of ``y``.
learning_rate : float, str, Schedule, callable or None, default=None
    Learning rate of an optimizer given as a string: a constant, a name such as ``"constant"``,
    ``"invscaling"``, ``"optimal"`` or ``"adaptive"``, an object of `sklgd.schedules`, or a
    function of the step t = 1, 2, ... None is ``"$rate"`` for ``"sgd"``, which with ``"pa1"`` and
    ``"pa2"`` is passive-aggressive, for ``$pa_loss`` alone.
eta0 : float or None, default=None
    First rate of a schedule given as a string, and C of ``"pa1"`` and ``"pa2"``; positive. None is
    0.01 for ``"sgd"``.
power_t : float or None, default=None
    Exponent of ``learning_rate="invscaling"``, whose rate is ``eta0 / t ** power_t``. None is
    $power for ``"sgd"``. Negative values are deprecated: they warn.
early_stopping : bool, default=False
    Whether validation data decides when to stop: ``X_val`` and ``y_val`` given to `fit`, or else
    rows set aside by ``validation_fraction``. The parameters of the best epoch are kept.
validation_fraction : float, int, splitter or iterable, default=0.1
    Which rows are set aside: a fraction strictly between 0 and 1$stratified, or what
    `sklearn.model_selection.check_cv` takes, of which the first split is used. Read only with
    ``early_stopping=True`` and no ``X_val``.
n_iter_no_change : int, default=5
    Number of epochs without improvement that end training. Networks under ``optimizer="auto"``
    wait for longer where an epoch has few steps.
scoring : str, callable or None, default="loss"
    What is followed on validation data: ``"loss"`` is the mean loss, which ought to fall. Else
    one of scikit-learn's scorers by name, a ``scorer(estimator, X, y)``, or None for the
    estimator's own `score`; it ought to rise by ``tol``, here absolute.
warm_start : bool, default=False
    Whether `fit` goes on from where the last one ended, with the clock of the schedule and the
    memory of the optimizer if the strategies are the same, else with the coefficients only.
n_jobs : int or None, default=None
    Threads that optimizers which use all rows at once share a pass among, if it is long enough to
    gain by that; -1 is all processors.
    The result is the same to the bit. Step rules, SAGA and SDCA use one, and so do the steps of
    SVRG.
verbose : int, default=0
    0 prints nothing, 1 a line for ever fewer epochs (about 20 in 1,000), 2 a line for each.
random_state : int, RandomState instance or None, default=None
    Seed of the validation split and of the order of the rows.
$more_parameters

Attributes
----------
$attributes
n_iter_ : int
    Epochs of the last call.
t_ : float
    Steps taken since training began, plus one: the clock of the schedule.
best_iter_ : int
    The best epoch of the last call, from 1, by what stopping follows; 0 if none was better than
    the start.
optimality_ : float
    How far from a minimum `fit` ended: the Euclidean norm of the smallest (sub)gradient of the
    objective at the parameters found, relative to that at parameters of zero; 0 at a minimum.
    After e < 32 epochs gradients that the optimizer has not asked for, such as that at zero, are
    estimated from e / 32 of the rows, and 1,024 at least; with thousands of features, as in
    texts, most of such an estimate is noise.
    For losses with kinks it is that of the subgradient which the loss states, and need not vanish.
    NaN after an interruption; `partial_fit` removes it.
stop_reason_ : {"tol", "no_improvement", "max_iter", "diverged", "callback", "interrupted"}
    What ended training; ``"no_improvement"`` is by validation data. After `partial_fit`, whose
    only epoch nothing cuts short, it is ``"max_iter"``.
history_ : dict of ndarray of shape (n_epochs,)
    One entry an epoch: ``"objective"``, ``"loss"`` and ``"penalty"``, ``"learning_rate"`` (that of
    the epoch's last step), ``"time"`` (seconds since the call began), and with validation data
    ``"val_loss"`` and, where ``scoring`` is not ``"loss"``, ``"val_score"``. Calls of
    ``partial_fit`` add to it.
loss_curve_ : ndarray of shape (n_epochs,)
    ``history_["objective"]``.
validation_scores_ : ndarray of shape (n_epochs,) or None
    ``history_["val_score"]``, or minus ``history_["val_loss"]`` where ``scoring`` is ``"loss"``;
    None without validation data.
loss_, optimizer_, penalty_, model_ : objects
    The strategies that were used; ``penalty_`` is None without a penalty.
n_features_in_ : int
    Number of features.
feature_names_in_ : ndarray of shape (n_features,)
    Names of the features, where all that ``X`` had were strings.

See Also
--------
$see_also

Notes
-----
- Step rules are stochastic gradient descent and its kin [1]_: a step for each batch of rows. Other
  optimizers see all rows at once; where the loss has kinks, ``"auto"`` trains ever sharper
  smooth versions of it [2]_.
- The loss of a step rule in ``history_`` is the mean over the epoch of each batch's loss before
  the step it causes; it costs nothing, and lags the loss at the epoch's end.
- ``set_callbacks`` takes scikit-learn's callbacks, a progress bar or a monitor of scores, and those
  of `sklgd.callbacks`: they see every epoch of `fit`, and may end it.
- Sparse ``X`` is used as CSR, and the minimum is that of the same numbers when dense. float32 is
  used as it is; the arithmetic is in float64, and ``coef_`` has the type of ``X``.
- Training that diverges ends with a ``ConvergenceWarning`` and the parameters of the best epoch,
  pulled back towards the start to where the objective is lowest. Ctrl-C in `fit` ends it with a
  ``UserWarning`` and the best parameters so far; in `partial_fit` it is raised, and the estimator
  stays as it was. Training that ``max_iter`` ends before ``tol`` is reached warns as scikit-learn
  does.
$notes

References
----------
.. [1] Bottou, Curtis and Nocedal (2018). Optimization Methods for Large-Scale Machine Learning.
   SIAM Review 60, 223-311.
.. [2] Nesterov (2005). Smooth minimization of non-smooth functions. Mathematical Programming 103,
   127-152.

Examples
--------
$examples
"""
