"""`check_loss`: sound losses pass, and each kind of fault is named."""

import numpy as np
import pytest
import scipy.special

from loss_cases import each
from sklgd.losses import AbsoluteError, Huber, Interval, LogLoss, Loss, SquaredError
from sklgd.testing import check_loss


@each
@pytest.mark.filterwarnings("error")
def test_every_loss_passes_the_checker(loss):
    check_loss(loss)


class Quartic(Loss):
    def __init__(self, scale=1.0):
        self.scale = scale

    def value(self, y, raw):
        return self.scale * (raw - y) ** 4 / 4

    def gradient(self, y, raw):
        return self.scale * (raw - y) ** 3


class Rates(Loss):
    """Targets in a half-open interval of its own, with a kink at raw == y."""

    domain = Interval(-2, 5, low_inclusive=True)
    smooth = False

    def value(self, y, raw):
        return np.log(y + 3) * np.abs(raw - y)

    def gradient(self, y, raw):
        return np.log(y + 3) * np.sign(raw - y)


class SmoothRates(Rates):
    smooth = True


class SmoothHinge(Loss):
    """Says that it is smooth, by default."""

    task = "classification"

    def value(self, y, raw):
        return np.maximum(0.0, 1.0 - (2 * y - 1) * raw)

    def gradient(self, y, raw):
        s = 2 * y - 1
        return np.where(s * raw < 1.0, -s, 0.0)


class Brier(Loss):
    """Joint only: no form for one score."""

    joint = True

    def value(self, y, raw):
        return ((raw - np.eye(raw.shape[1])[y]) ** 2).sum(axis=1)

    def gradient(self, y, raw):
        return 2 * (raw - np.eye(raw.shape[1])[y])


@pytest.mark.parametrize("loss", [Quartic(), Quartic(scale=3.0), Rates(), Brier()], ids=repr)
def test_the_checker_accepts_a_sound_loss_of_ones_own(loss):
    check_loss(loss)


class WrongFactor(Quartic):
    def gradient(self, y, raw):
        return 4 * self.scale * (raw - y) ** 3


class WrongOnOneSide(Huber):
    def gradient(self, y, raw):
        return np.where(raw - y > self.delta, 1.01, 1) * super().gradient(y, raw)


class WrongColumn(Brier):
    def gradient(self, y, raw):
        gradient = super().gradient(y, raw)
        gradient[:, 2] = 0
        return gradient


class Mean(Quartic):
    def value(self, y, raw):
        return np.mean(super().value(y, raw))


class DividedByRows(Quartic):
    def value(self, y, raw):
        return super().value(y, raw) / len(raw)

    def gradient(self, y, raw):
        return super().gradient(y, raw) / len(raw)


class FlatOnly(Quartic):
    def value(self, y, raw):
        return super().value(y, raw) * np.where(np.ndim(raw) == 2, 2, 1)


class Infinite(SquaredError):
    def value(self, y, raw):
        return np.where(raw > 1, np.inf, super().value(y, raw))


class OverflowsToNaN(LogLoss):
    def value(self, y, raw):
        return np.log(1 + np.exp(raw)) - y * raw

    def gradient(self, y, raw):
        return np.exp(raw) / (1 + np.exp(raw)) - y

    joint = False


class InPlace(Quartic):
    def gradient(self, y, raw):
        raw -= y
        return self.scale * raw**3


class Remembers(Quartic):
    def value(self, y, raw):
        self.last_ = raw
        return super().value(y, raw)


class Counts(Quartic):
    def __init__(self, scale=1.0):
        self.scale = scale
        self.calls = []

    def gradient(self, y, raw):
        self.calls.append(len(raw))
        return super().gradient(y, raw)


class Noisy(Quartic):
    def value(self, y, raw):
        return super().value(y, raw) + np.random.default_rng().random(raw.shape)


class ChangesParameter(Quartic):
    def __init__(self, scale=1.0):
        self.scale = 2 * scale


class Unpicklable(Quartic):
    def __reduce__(self):
        raise TypeError("no")


class TooFlat(SquaredError):
    curvature = 0.5


class OneColumn(LogLoss):
    def predict_proba(self, raw):
        return scipy.special.expit(raw)


class Unnormalised(LogLoss):
    def predict_proba(self, raw):
        return 0.9 * super().predict_proba(raw)


class Cubic(Loss):
    """Says all that there is to say of it."""

    def value(self, y, raw):
        return np.abs(raw - y) ** 3 / 3

    def gradient(self, y, raw):
        return (raw - y) * np.abs(raw - y)

    def hessian(self, y, raw):
        return 2 * np.abs(raw - y)


class Pieces(Loss):
    smooth = False

    def value(self, y, raw):
        return np.abs(raw - y)

    def gradient(self, y, raw):
        return np.sign(raw - y)

    def kinks(self, y):
        return y[None], np.full((1, *y.shape), -1.0), np.full((1, *y.shape), 1.0)

    def smoothed(self, width):
        return AbsoluteError().smoothed(width)


class SoundBrier(Brier):
    def hessian(self, y, raw):
        return np.tile(2 * np.eye(raw.shape[1]), (len(raw), 1, 1))


class WrongHessian(Cubic):
    def hessian(self, y, raw):
        return np.abs(raw - y)


class WrongJointHessian(SoundBrier):
    def hessian(self, y, raw):
        return super().hessian(y, raw) + 0.1


class FlatHessian(SoundBrier):
    def hessian(self, y, raw):
        return 2 * np.ones(raw.shape)


class ShiftedKinks(Pieces):
    def kinks(self, y):
        at, low, high = super().kinks(y)
        return at + 5, low, high


class NoKinks(Pieces):
    def kinks(self, y):
        at, low, high = super().kinks(y)
        return at, high, low


class KinksOfAll(Pieces):
    def kinks(self, y):
        return super().kinks(y.sum(keepdims=True))


class SmoothedOther(Pieces):
    def smoothed(self, width):
        return SquaredError()


class SmoothedWord(Pieces):
    def smoothed(self, width):
        return "huber"


@pytest.mark.parametrize("loss", [Cubic(), SoundBrier(), Pieces()])
def test_the_checker_accepts_what_is_said_besides(loss):
    check_loss(loss)


@pytest.mark.parametrize(
    "loss, message",
    [
        (Huber, r"pass an instance, not the class"),
        ("huber", r"must be an instance of sklgd.losses.Loss, got 'huber'"),
        (WrongFactor(), r"WrongFactor\(\).gradient is .* at y = .*, raw = .*differences .* give"),
        (WrongOnOneSide(delta=0.5), r"WrongOnOneSide\(delta=0.5\).gradient is 0.505 .* give 0.5"),
        (WrongColumn(), r"gradient is 0 .* column 2"),
        (Mean(), r"value must return shape \(60,\) .* returned shape \(\)"),
        (DividedByRows(), r"value must treat rows alone, without a mean"),
        (FlatOnly(), r"value must work entry by entry"),
        (Infinite(), r"value is inf at y = .*, raw = .*; it must be finite"),
        (OverflowsToNaN(), r"gradient is NaN at y = .*, raw = 1000"),
        (InPlace(), r"InPlace.gradient writes to an argument that it may only read"),
        (Remembers(), r"not stateless: .*\['last_'\]"),
        (Counts(), r"not stateless: .*\['calls'\]"),
        (Noisy(), r"two results for the same inputs"),
        (SmoothRates(), r"gradient jumps from -.* to .* at y = .*must say smooth = False"),
        (SmoothHinge(), r"gradient jumps from .* at y = .*, raw = .*must say smooth = False"),
        (TooFlat(), r"curvature is 0.5, but the second derivative is 1"),
        (Unpicklable(), r"cannot be pickled: no"),
        (OneColumn(), r"predict_proba must return shape \(20, 2\)"),
        (WrongHessian(), r"hessian is .* at y = .*, raw = .*differences of gradient give"),
        (WrongJointHessian(), r"hessian is .* columns \(0, 0\); .* give"),
        (FlatHessian(), r"hessian must return shape \(20, 4, 4\)"),
        (ShiftedKinks(), r"pieces of ShiftedKinks\(\).kinks sum to .* but value is"),
        (NoKinks(), r"less below each kink"),
        (KinksOfAll(), r"kinks must return three arrays of one shape \(n_kinks, 60\)"),
        (SmoothedOther(), r"smoothed\(0.1\) has the value .* must differ by O\(width\)"),
        (SmoothedWord(), r"smoothed\(0.1\) must return a Loss or None, but returned 'huber'"),
        (Unnormalised(), r"rows that sum to one, but the sums lie between 0.8999"),
    ],
    ids=lambda x: x if isinstance(x, str) else type(x).__name__,
)
def test_the_checker_says_what_is_wrong(loss, message):
    with pytest.raises(AssertionError, match=message):
        check_loss(loss)


def test_the_checker_finds_a_constructor_that_changes_its_parameters():
    with pytest.raises(AssertionError, match=r"ChangesParameter cannot be cloned"):
        check_loss(ChangesParameter())
