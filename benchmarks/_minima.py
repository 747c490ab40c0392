"""Minima of the race's problems to high precision, by means that are not raced.

With a few hundred parameters: damped Newton steps on smooth losses, an interior-point method on
the piecewise linear ones, both on standardised columns.  With many: L-BFGS of scipy, and
liblinear run for long.  The lowest value that anyone has seen counts, racers included.
"""

import json
import os
import warnings

import numpy as np
import scipy.sparse as sp
from scipy.optimize import minimize
from sklearn.svm import LinearSVC

#: more parameters than this make no Hessian
DENSE = 700


class Cache:
    """The lowest value seen of each problem, in a JSON file."""

    def __init__(self, path):
        self.path = path
        self.values = {}
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                self.values = json.load(file)

    def minimum(self, problem):
        """Return the minimum, solving for it the first time."""
        if problem.name not in self.values:
            self.lower(problem, solve(problem))
        return self.values[problem.name]

    def lower(self, problem, value):
        """Take note of a value that somebody has seen."""
        if value < self.values.get(problem.name, np.inf):
            self.values[problem.name] = value
            with open(self.path, "w", encoding="utf-8") as file:
                json.dump(self.values, file, indent=1, sort_keys=True)


def solve(problem):
    """Return the lowest objective found."""
    X, (n, p) = problem.X, problem.X.shape
    if p * problem.n_raw <= DENSE:
        X = X.toarray() if sp.issparse(X) else X
        mean, scale = X.mean(axis=0), X.std(axis=0)
        scale[scale <= 1e-12 * np.abs(mean)] = 1.0
        columns = np.column_stack([(X - mean) / scale, np.ones(n)])
        if problem.loss in ("hinge", "quantile", "epsilon_insensitive"):
            found = [_interior(problem, columns, scale, c) for c in range(problem.n_raw)]
            theta = np.array(found)
        else:
            theta = _newton(problem, columns, scale)
        weights = theta[:, :-1] / scale
        return problem.value(weights, theta[:, -1] - weights @ mean)
    if problem.loss == "hinge":
        return _liblinear(problem)
    return _lbfgs(problem)


def _slopes(problem, raw):
    """Return the gradient of each row's loss in its raw predictions, and the curvature, (n, k)."""
    target = problem.target
    if problem.loss == "squared_error":
        return raw - target, np.ones_like(raw)
    if problem.loss == "huber":
        r, delta = raw - target, problem.delta
        return np.clip(r, -delta, delta), (np.abs(r) <= delta).astype(float)
    if problem.loss == "poisson":
        mean = np.exp(raw)
        return mean - target, mean
    if problem.n_raw > 1:
        prob = problem.slope_of_softmax(raw)
        return prob - (target > 0), prob
    prob = 1.0 / (1.0 + np.exp(np.clip(target * raw, -700, 700)))
    return -target * prob, prob * (1.0 - prob)


def _newton(problem, A, scale):
    # Newton steps with backtracking; a falling barrier stands in for the L1 norm:
    # min_u alpha u - mu log(u^2 - w^2), whose minimum has a closed form.
    n, q = A.shape
    k, alpha = problem.n_raw, problem.alpha
    theta = np.zeros((k, q))
    theta[:, -1] = _start(problem)

    def penalty(w, mu):
        w = w / scale
        if not problem.l1:
            return 0.5 * alpha * (w**2).sum(), alpha * w / scale, np.full_like(w, alpha) / scale**2
        root = np.sqrt(mu**2 + (alpha * w) ** 2)
        u2 = 2.0 * mu * (mu + root) / alpha**2  # u^2 - w^2
        value = (mu + root - mu * np.log(u2)).sum()
        slope = 2.0 * mu * w / u2
        bend = alpha**2 * mu / (root * (mu + root)) * 1.0
        bend = np.maximum(bend, 1e-300)
        return value, slope / scale, bend / scale**2

    def total(theta, mu):
        return problem.losses(A @ theta.T).mean() + penalty(theta[:, :-1], mu)[0]

    for mu in 10.0 ** np.arange(-3.0, -13.0, -1.0) if problem.l1 else [0.0]:
        value = total(theta, mu)
        for _ in range(200):
            raw = A @ theta.T
            draw, bend = _slopes(problem, raw)
            grad = draw.T @ A / n
            _, slope, curve = penalty(theta[:, :-1], mu)
            grad[:, :-1] += slope
            H = np.zeros((k, q, k, q))
            for c in range(k):
                for d in range(c + 1):
                    weight = bend[:, c] if k == 1 else bend[:, c] * ((c == d) - bend[:, d])
                    H[c, :, d] = (A * weight[:, None]).T @ A / n
                    H[d, :, c] = H[c, :, d].T
                H[c, range(q - 1), c, range(q - 1)] += curve[c]
            H = H.reshape(k * q, k * q)
            ridge = 1e-13 * np.trace(H) / len(H)
            step = np.linalg.solve(H + ridge * np.eye(len(H)), grad.ravel()).reshape(k, q)
            promised, length = float((step * grad).sum()), 1.0
            with np.errstate(all="ignore"):
                while length > 1e-12:
                    new = total(theta - length * step, mu)
                    if new <= value - 1e-4 * length * promised:
                        break
                    length *= 0.5
            if length <= 1e-12 or promised <= 1e-14 * abs(value):
                break
            theta, value = theta - length * step, new
    return theta


def _start(problem):
    if problem.loss == "poisson":
        return np.log(problem.target.mean())
    return problem.target.mean() if not problem.classifies else 0.0


def _pieces(problem, c):
    # The loss of column c as sums of max(low * r, high * r), r = raw - centre
    target, ones = problem.target[:, c], np.ones(len(problem.y))
    if problem.loss == "hinge":
        return [(target, np.minimum(-target, 0.0), np.maximum(-target, 0.0))]
    if problem.loss == "quantile":
        return [(target, -0.9 * ones, 0.1 * ones)]
    eps = problem.insensitive
    return [(target + eps, 0.0 * ones, ones), (target - eps, -ones, 0.0 * ones)]


def _interior(problem, A, scale, c):
    # Primal-dual interior point: max over low <= t <= high of the dual, t the loss's slope.
    pieces = _pieces(problem, c)
    A = np.vstack([A] * len(pieces))
    centre, low, high = (np.concatenate(part) for part in zip(*pieces, strict=True))
    n, q = A.shape
    rows = n / len(pieces)
    unit = problem.spread
    ridge = np.append(problem.alpha / scale**2, 0.0)
    theta = np.zeros(q)
    theta[-1] = np.median(problem.target[:, c]) if not problem.classifies else 0.0
    t = 0.5 * (low + high)
    r = A @ theta - centre
    over = np.maximum(r, 0.0) + unit
    under = over - r
    best, best_value = theta, np.inf
    for _ in range(300):
        gap = over @ (high - t) + under @ (t - low)
        value = np.maximum(low * r, high * r).sum() / rows + 0.5 * (ridge * theta**2).sum()
        if value < best_value:
            best, best_value = theta.copy(), value
        dual = A.T @ t / rows + ridge * theta
        if gap / rows <= 1e-13 * max(abs(value), 1e-12) and np.abs(dual).max() < 1e-9 * unit:
            break
        mu = 0.1 * gap / (2 * n)
        # r = over - under; over (high - t) = mu; under (t - low) = mu, linearised
        D = over / (high - t) + under / (t - low)
        e = A @ theta - centre - (over - under)
        shift = (mu / (high - t) - over) - (mu / (t - low) - under)
        # D dt = A dtheta + e - shift
        W = 1.0 / D
        H = (A * (W / rows)[:, None]).T @ A
        H[range(q), range(q)] += ridge + 1e-14 * np.trace(H) / q
        rhs = -dual - A.T @ (W * (e - shift)) / rows
        dtheta = np.linalg.solve(H, rhs)
        dt = W * (A @ dtheta + e - shift)
        dover = mu / (high - t) - over + over / (high - t) * dt
        dunder = mu / (t - low) - under - under / (t - low) * dt
        with np.errstate(divide="ignore", invalid="ignore"):
            limits = [
                np.min(np.where(d < 0, -v / d, np.inf))
                for v, d in ((over, dover), (under, dunder), (high - t, -dt), (t - low, dt))
            ]
        length = min(1.0, 0.99 * min(limits))
        theta, t = theta + length * dtheta, t + length * dt
        over, under = over + length * dover, under + length * dunder
        r = A @ theta - centre
        if length < 1e-10:
            break
    return best


def _lbfgs(problem):
    # scipy's L-BFGS-B, on columns of unit norm; L1 weights are split into two of one sign.
    X, (n, p), k = problem.X, problem.X.shape, problem.n_raw
    squares = X.power(2) if sp.issparse(X) else np.square(X)
    scale = np.sqrt(np.asarray(squares.mean(axis=0)).ravel())
    scale[scale == 0.0] = 1.0
    alpha = problem.alpha

    def parts(v):
        if problem.l1:
            return (v[: k * p] - v[k * p : 2 * k * p]).reshape(k, p) / scale, v[2 * k * p :]
        return v[: k * p].reshape(k, p) / scale, v[k * p :]

    def value(v):
        w, b = parts(v)
        raw = X @ w.T + b
        draw, _ = _slopes(problem, raw)
        grad = (X.T @ draw).T / n
        f = problem.losses(raw).mean()
        bias = draw.mean(axis=0)
        if problem.l1:
            tilt = np.tile(alpha / scale, k)
            f += tilt @ (v[: k * p] + v[k * p : 2 * k * p])
            grad = (grad / scale).ravel()
            return f, np.concatenate([grad + tilt, tilt - grad, bias])
        f += 0.5 * alpha * (w**2).sum()
        return f, np.concatenate([((grad + alpha * w) / scale).ravel(), bias])

    size = (2 if problem.l1 else 1) * k * p + k
    bounds = [(0, None)] * (2 * k * p) + [(None, None)] * k if problem.l1 else None
    v = np.zeros(size)
    options = {"maxiter": 3000, "maxfun": 10000, "maxcor": 30, "ftol": 1e-15, "gtol": 1e-10}
    v = minimize(value, v, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
    return problem.value(*parts(v))


def _liblinear(problem):
    # The penalty of the intercept falls with the square of its scaling.
    best = np.inf
    for scaling in (1.0, 10.0):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            svc = LinearSVC(
                C=1.0 / (problem.X.shape[0] * problem.alpha),
                loss="hinge",
                tol=1e-7,
                max_iter=3000,
                intercept_scaling=scaling,
            ).fit(problem.X, problem.y)
        best = min(best, problem.value(svc.coef_, svc.intercept_))
    return best
