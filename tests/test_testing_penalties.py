"""`check_penalty` names each kind of fault; tests/test_penalties.py has what passes."""

import numpy as np
import pytest

from sklgd.penalties import L1, L2, MCP, ElasticNet, Penalty
from sklgd.testing import check_penalty


class WrongThreshold(L1):
    def prox(self, w, lr):
        w[...] = np.sign(w) * np.maximum(np.abs(w) - 1.1 * lr * self.alpha, 0)


class LocalMinimum(MCP):
    def prox(self, w, lr):  # shrinks where it should compare with zero
        shrunk = w - np.clip(w, -lr * self.alpha, lr * self.alpha)
        w[...] = np.where(np.abs(w) > self.gamma * self.alpha, w, shrunk)


class WrongGradient(L2):
    def add_gradient(self, w, grad):
        grad += 2 * self.alpha * w


class Overwrites(L2):
    def add_gradient(self, w, grad):
        grad[...] = self.alpha * w


class Returns(L2):
    def prox(self, w, lr):
        return w / (1 + lr * self.alpha)


class WritesWeights(L2):
    def add_gradient(self, w, grad):
        w *= self.alpha
        grad += w


class Counts(L2):
    def value(self, w):
        self.calls = getattr(self, "calls", 0) + 1
        return super().value(w)


class Forgets(L2):
    def value(self, w):
        self.calls = getattr(self, "calls", 0) + 1
        return super().value(w) + self.calls


class ArrayValue(L2):
    def value(self, w):
        return self.alpha / 2 * w**2


class Unsplit(L2):
    def split(self):
        return self


class HalfSplit(ElasticNet):
    def split(self):
        return None, L1(self.alpha * self.l1_ratio)


class OneStep(L1):
    def prox(self, w, lr):
        super().prox(w, np.max(lr) if np.ndim(lr) else lr)


class WrongResidual(L1):
    def residual(self, w, grad):
        return grad + self.alpha * np.sign(w)


class WrongBounds(L1):
    def bounds(self, n_features):
        return tuple(np.full(n_features, v) for v in (2 * self.alpha, -np.inf, np.inf))


class MisshapenBounds(L1):
    def bounds(self, n_features):
        return self.alpha, -np.inf, np.inf


class Uncloneable(L2):
    def __init__(self, alpha=1.0, weights=None):
        super().__init__(abs(alpha) + 0.0, weights=weights)
        self.helper = lambda: None


@pytest.mark.parametrize(
    "penalty, message",
    [
        (WrongThreshold(0.5), "WrongThreshold.prox does not minimise"),
        (LocalMinimum(0.5), "LocalMinimum.prox does not minimise"),
        (OneStep(0.5), "OneStep.prox does not minimise"),
        (WrongGradient(0.5), "WrongGradient.add_gradient added .* by finite differences"),
        (Overwrites(0.5), "Overwrites.add_gradient must add to grad"),
        (Returns(0.5), "Returns.prox must work in place and return None, found array"),
        (WritesWeights(0.5), "WritesWeights.add_gradient writes to an argument"),
        (Counts(0.5), r"Counts\(alpha=0.5\) is not stateless: .*\['calls'\]"),
        (Forgets(0.5), "Forgets.value depends on more than w"),
        (ArrayValue(0.5), "ArrayValue.value must return a float, found array"),
        (Unsplit(0.5), "Unsplit.split must return a pair"),
        (HalfSplit(0.5, 0.5), r"the parts of HalfSplit.split\(\) sum to"),
        (WrongResidual(0.5), "WrongResidual.residual is .* by a tiny proximal step"),
        (WrongBounds(0.5), "WrongBounds.bounds is .* by which value is"),
        (MisshapenBounds(0.5), r"MisshapenBounds.bounds found shapes \[\(\), \(\), \(\)\]"),
        (Uncloneable(0.5), "Uncloneable cannot be cloned"),
        ("l2", "must be an instance of sklgd.penalties.Penalty, got 'l2'"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Penalty) else "",
)
def test_check_penalty_finds(penalty, message):
    with pytest.raises(AssertionError, match=message):
        check_penalty(penalty)


def test_check_penalty_says_what_shape_was_not_expected():
    class Fused(Penalty):
        def value(self, w):
            return float(np.sum(np.diff(w) ** 2))

        def add_gradient(self, w, grad):
            grad[1:] += 2 * np.diff(w)
            grad[:-1] -= 2 * np.diff(w)

    with pytest.raises(ValueError, match="broadcast") as raised:
        check_penalty(Fused())
    expected = "Fused.add_gradient was given arguments of shape (1, 6) and (1, 6)"
    assert raised.value.__notes__ == [expected]
