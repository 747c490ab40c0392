"""Who races: each competitor says which problems it solves, and fits with an effort given.

An effort is a limit of iterations (or epochs): a competitor's time to an accuracy is that of the
cheapest fit that reaches it, as an oracle would stop it.  Every competitor is handed the
objective of the race as far as its own allows: alpha is mapped; who penalises the intercept, does.
"""

import importlib.util
import warnings

import numpy as np
import scipy.sparse as sp
from _problems import QUANTILE
from sklearn.linear_model import (
    HuberRegressor,
    LogisticRegression,
    PoissonRegressor,
    QuantileRegressor,
    Ridge,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.svm import LinearSVC, LinearSVR

from sklgd import GDClassifier, GDRegressor

EFFORTS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
EFFORTS += tuple(2**i for i in range(11, 20))
#: learning rates that are tried
ETAS = (1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)

#: names of losses in scikit-learn's SGD
SGD_LOSSES = {
    "squared_error": "squared_error",
    "huber": "huber",
    "epsilon_insensitive": "epsilon_insensitive",
    "log_loss": "log_loss",
    "l1_log_loss": "log_loss",
    "hinge": "hinge",
}


class Competitor:
    """A name, and how to fit."""

    def __init__(self, name, family, applies, make, *, efforts=EFFORTS):
        self.name, self.family, self.applies, self.make = name, family, applies, make
        self.efforts = efforts

    def estimator(self, problem, effort):
        """Return the estimator to fit."""
        return self.make(problem, effort)


def quiet_fit(estimator, problem):
    """Fit, whatever it warns of."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return estimator.fit(problem.X, problem.y)


def result(estimator):
    """Return (k, p) weights and (k,) intercepts of a fitted estimator."""
    coef = estimator.coef_
    coef = coef.toarray() if sp.issparse(coef) else np.asarray(coef)
    return np.atleast_2d(coef), np.atleast_1d(estimator.intercept_)


# -- sklgd -----------------------------------------------------------------------------------


def sklgd(problem, tol=1e-3, **others):
    """Return the default estimator for a problem; all that is set is what the problem says."""
    penalty = "l1" if problem.l1 else "l2"
    if problem.classifies:
        loss = "log_loss" if problem.l1 else problem.loss
        return GDClassifier(loss, penalty=penalty, alpha=problem.alpha, tol=tol, **others)
    if problem.loss == "quantile":
        from sklgd.losses import Quantile

        return GDRegressor(Quantile(QUANTILE), alpha=problem.alpha, tol=tol, **others)
    epsilon = problem.delta if problem.loss == "huber" else problem.insensitive
    return GDRegressor(problem.loss, alpha=problem.alpha, epsilon=epsilon, tol=tol, **others)


# -- scikit-learn ------------------------------------------------------------------------------


def _sgd(problem, effort, **rate):
    params = {
        "loss": SGD_LOSSES[problem.loss],
        "penalty": "l1" if problem.l1 else "l2",
        "alpha": problem.alpha,
        "max_iter": effort,
        "tol": None,
        "random_state": 0,
        **rate,
    }
    if problem.classifies:
        return SGDClassifier(**params)
    params["epsilon"] = problem.delta if problem.loss == "huber" else problem.insensitive
    return SGDRegressor(**params)


def _sgd_applies(problem):
    # scikit-learn trains several classes one against the rest: another objective for log_loss
    return problem.loss in SGD_LOSSES and (problem.n_raw == 1 or problem.loss == "hinge")


def _tuned(eta0, schedule):
    def make(problem, effort):
        return _sgd(problem, effort, learning_rate=schedule, eta0=eta0)

    return make


def _ridge(solver):
    def make(problem, effort):
        alpha = problem.alpha * problem.X.shape[0]
        return Ridge(alpha=alpha, solver=solver, max_iter=effort, tol=1e-12, random_state=0)

    return make


def _ridge_applies(solver):
    def applies(problem):
        # scikit-learn refuses to centre sparse features for the direct ones
        centres = not sp.issparse(problem.X) or solver not in ("svd", "cholesky")
        return problem.loss == "squared_error" and centres

    return applies


def _logistic(solver):
    def make(problem, effort):
        return LogisticRegression(
            C=1.0 / (problem.alpha * problem.X.shape[0]),
            l1_ratio=1.0 if problem.l1 else 0.0,
            solver=solver,
            max_iter=effort,
            tol=1e-12,
            random_state=0,
        )

    return make


def _logistic_applies(solver):
    def applies(problem):
        if problem.l1:
            return solver in ("liblinear", "saga")
        if problem.loss != "log_loss":
            return False
        if solver == "liblinear" and problem.n_raw > 1:
            return False
        # its Hessian has as many rows as there are parameters
        return solver != "newton-cholesky" or problem.X.shape[1] * problem.n_raw <= 2000

    return applies


def _poisson(solver):
    def make(problem, effort):
        return PoissonRegressor(alpha=problem.alpha, solver=solver, max_iter=effort, tol=1e-12)

    return make


def _huber(problem, effort):
    # it minimises sum(2 / scale * huber(r)) + alpha |w|^2 at its scale, which is fitted
    alpha = problem.alpha * problem.X.shape[0] / problem.huber_scale
    return HuberRegressor(alpha=alpha, max_iter=effort, tol=1e-12)


def _quantile(problem, effort):
    # only linear programs: its penalty is an L1 norm, which tiny alphas make of no matter
    return QuantileRegressor(quantile=QUANTILE, alpha=0.0, solver="highs")


def _svc(problem, effort):
    C = 1.0 / (problem.alpha * problem.X.shape[0])
    return LinearSVC(C=C, loss="hinge", tol=1e-12, max_iter=effort, random_state=0)


def _svr(problem, effort):
    C = 1.0 / (problem.alpha * problem.X.shape[0])
    epsilon = problem.insensitive
    return LinearSVR(C=C, epsilon=epsilon, tol=1e-12, max_iter=effort, random_state=0)


def _is(*losses):
    return lambda problem: problem.loss in losses


def scikit_learn():
    """Return scikit-learn's competitors."""
    found = [Competitor("SGD", "SGD defaults", _sgd_applies, _sgd)]
    for schedule in ("invscaling", "constant"):
        for eta0 in ETAS:
            name = f"SGD {schedule} {eta0:.0e}"
            found.append(Competitor(name, "SGD tuned", _sgd_applies, _tuned(eta0, schedule)))
    for solver in ("svd", "cholesky", "lsqr", "sparse_cg", "sag", "saga"):
        direct = solver in ("svd", "cholesky")
        name = f"Ridge {solver}"
        efforts = (1,) if direct else EFFORTS
        applies = _ridge_applies(solver)
        found.append(Competitor(name, name, applies, _ridge(solver), efforts=efforts))
    for solver in ("lbfgs", "newton-cg", "newton-cholesky", "sag", "saga", "liblinear"):
        name = f"LogisticRegression {solver}"
        found.append(Competitor(name, name, _logistic_applies(solver), _logistic(solver)))
    for solver in ("lbfgs", "newton-cholesky"):
        name = f"PoissonRegressor {solver}"
        found.append(Competitor(name, name, _is("poisson"), _poisson(solver)))
    found.append(Competitor("HuberRegressor", "HuberRegressor", _is("huber"), _huber))
    name = "QuantileRegressor"
    found.append(Competitor(name, name, _is("quantile"), _quantile, efforts=(1,)))
    found.append(Competitor("LinearSVC", "LinearSVC", _is("hinge"), _svc))
    found.append(Competitor("LinearSVR", "LinearSVR", _is("epsilon_insensitive"), _svr))
    return found


# -- others, where they are installed ----------------------------------------------------------


class Skglm:
    """Logistic regression of skglm: proximal Newton with working sets; L1 only has an intercept."""

    def __init__(self, problem, effort):
        self.problem, self.effort = problem, effort

    def fit(self, X, y):
        """Fit."""
        from skglm import SparseLogisticRegression

        model = SparseLogisticRegression(
            alpha=self.problem.alpha, max_iter=self.effort, tol=1e-12, fit_intercept=True
        ).fit(sp.csc_matrix(X) if sp.issparse(X) else np.asfortranarray(X), y)
        self.coef_, self.intercept_ = model.coef_, model.intercept_
        return self


class Torch:
    """L-BFGS of torch on the whole data, float64, as its users write it."""

    def __init__(self, problem, effort):
        self.problem, self.effort = problem, effort

    def fit(self, X, y):
        """Fit."""
        import torch

        problem = self.problem
        X = torch.from_numpy(X)
        target = torch.from_numpy(problem.target if problem.n_raw == 1 else problem.codes)
        w = torch.zeros((X.shape[1], problem.n_raw), dtype=X.dtype, requires_grad=True)
        b = torch.zeros(problem.n_raw, dtype=X.dtype, requires_grad=True)
        optimizer = torch.optim.LBFGS(
            [w, b],
            max_iter=self.effort,
            tolerance_grad=1e-12,
            tolerance_change=0.0,
            line_search_fn="strong_wolfe",
        )

        def closure():
            optimizer.zero_grad()
            raw = X @ w + b
            if problem.loss == "squared_error":
                loss = 0.5 * torch.nn.functional.mse_loss(raw, target)
            elif problem.n_raw == 1:
                loss = torch.nn.functional.softplus(-target * raw).mean()
            else:
                loss = torch.nn.functional.cross_entropy(raw, target)
            loss = loss + 0.5 * problem.alpha * (w**2).sum()
            loss.backward()
            return loss

        optimizer.step(closure)
        self.coef_, self.intercept_ = w.detach().numpy().T, b.detach().numpy()
        return self


class VowpalWabbit:
    """The linear learner of Vowpal Wabbit: adaptive, normalized, invariant steps."""

    def __init__(self, problem, effort):
        self.problem, self.effort = problem, effort
        problem.vw_examples = getattr(problem, "vw_examples", None) or self._examples()

    def _examples(self):
        # parsed beforehand: text is not what is raced
        lines = []
        X, target = sp.csr_matrix(self.problem.X), self.problem.target[:, 0]
        for i in range(X.shape[0]):
            row = slice(X.indptr[i], X.indptr[i + 1])
            entries = zip(X.indices[row], X.data[row], strict=True)
            lines.append(f"{target[i]} | " + " ".join(f"{j}:{v}" for j, v in entries))
        return lines

    def fit(self, X, y):
        """Fit."""
        from vowpalwabbit import Workspace

        loss = {"squared_error": "squared", "log_loss": "logistic", "hinge": "hinge"}
        work = Workspace(
            f"--quiet --loss_function {loss[self.problem.loss]} --l2 {self.problem.alpha} -b 18",
            enable_logging=False,
        )
        for _ in range(self.effort):
            for line in self.problem.vw_examples:
                work.learn(line)
        self.coef_ = np.array([work.get_weight(j) for j in range(X.shape[1])])[None]
        self.intercept_ = np.array([work.get_weight(11650396)])
        work.finish()
        return self


def others():
    """Return the competitors of packages that are installed."""
    found = []
    if importlib.util.find_spec("skglm"):
        found.append(Competitor("skglm", "skglm", _is("l1_log_loss"), Skglm))
    if importlib.util.find_spec("torch"):

        def dense(problem):
            smooth = problem.loss in ("squared_error", "log_loss")
            return smooth and not sp.issparse(problem.X)

        found.append(Competitor("torch LBFGS", "torch LBFGS", dense, Torch))
    if importlib.util.find_spec("vowpalwabbit"):

        def binary(problem):
            return problem.n_raw == 1 and problem.loss in ("squared_error", "log_loss", "hinge")

        found.append(Competitor("VW", "VW", binary, VowpalWabbit))
    return found


def competitors():
    """Return everybody but sklgd."""
    return scikit_learn() + others()
