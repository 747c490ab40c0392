"""Every loss as an object: kinks, metrics, domains, predictions, smoothness, parameters."""

import doctest
import importlib
import math
import pickle

import numpy as np
import pytest
import scipy.special
import sklearn.metrics as metrics
from sklearn.base import clone
from sklearn.utils._param_validation import InvalidParameterError

from loss_cases import (
    CASES,
    both_forms,
    each,
    each_joint,
    grid,
    numpy_form,
    scores,
    targets,
)
from sklgd._strategy import compose_kernel, resolve
from sklgd.losses import (
    LOSSES,
    AbsoluteError,
    AbsolutePercentageError,
    Cauchy,
    EpsilonInsensitive,
    Expectile,
    Exponential,
    Focal,
    Gamma,
    Hinge,
    Huber,
    Interval,
    LogLoss,
    Loss,
    ModifiedHuber,
    MulticlassHinge,
    NegativeBinomial,
    Perceptron,
    Poisson,
    Quantile,
    SmoothedAbsolute,
    SmoothedMargin,
    SmoothedPercentage,
    SmoothHinge,
    SquaredEpsilonInsensitive,
    SquaredError,
    SquaredHinge,
    SquaredLogError,
    Tweedie,
)


@each
def test_gradient_is_the_slope_of_the_value(loss):
    y, raw = grid(loss, [-3.7, -1.3, -0.6, 0.17, 0.77, 2.43])
    h = 1e-6
    slope = (loss.value(y, raw + h) - loss.value(y, raw - h)) / (2 * h)
    size = np.maximum(1, np.abs(loss.value(y, raw)))
    assert np.all(np.abs(slope - loss.gradient(y, raw)) <= 1e-8 * size * np.maximum(1, abs(slope)))


@each
def test_shapes_follow_the_inputs(loss):
    y, raw = grid(loss)
    y, raw = y[: 2 * (len(y) // 2)], raw[: 2 * (len(raw) // 2)]
    value, gradient = numpy_form(loss, y, raw)
    assert value.shape == gradient.shape == raw.shape
    assert loss.predict(raw).shape == raw.shape
    if not loss.soft_targets:
        pair = numpy_form(loss, y.reshape(-1, 2), raw.reshape(-1, 2))
        np.testing.assert_array_equal(pair, np.reshape([value, gradient], (2, -1, 2)))


def metric_of_rows(metric, y, prediction, **options):
    return [metric([t], [p], **options) for t, p in zip(y, prediction, strict=True)]


METRICS = [
    (SquaredError(), metrics.mean_squared_error, {}, 0.5),
    (AbsoluteError(), metrics.mean_absolute_error, {}, 1),
    (Quantile(quantile=0.8), metrics.mean_pinball_loss, {"alpha": 0.8}, 1),
    (SquaredLogError(), metrics.mean_squared_log_error, {}, 0.5),
    (AbsolutePercentageError(), metrics.mean_absolute_percentage_error, {}, 1),
    (Poisson(), metrics.mean_poisson_deviance, {}, 0.5),
    (Gamma(), metrics.mean_gamma_deviance, {}, 0.5),
    (Tweedie(power=1.3), metrics.mean_tweedie_deviance, {"power": 1.3}, 0.5),
    (Tweedie(power=3), metrics.mean_tweedie_deviance, {"power": 3}, 0.5),
]


@pytest.mark.parametrize("loss, metric, options, share", METRICS, ids=lambda x: repr(x)[:30])
def test_value_is_the_metric_of_the_prediction(loss, metric, options, share):
    y, raw = np.array([0.5, 1.0, 3.0, 7.0]), np.array([0.3, 0.01, 1.5, 1.8])
    expected = share * np.array(metric_of_rows(metric, y, loss.predict(raw), **options))
    np.testing.assert_allclose(loss.value(y, raw), expected, rtol=1e-11, atol=1e-13)


def test_joint_losses_match_the_metrics_of_scikit_learn():
    y, raw = scores(LogLoss())
    raw = raw[:, :3] / np.abs(raw).max()
    y = y % 3
    np.testing.assert_allclose(
        LogLoss().value(y, raw).mean(),
        metrics.log_loss(y, scipy.special.softmax(raw, axis=1), labels=[0, 1, 2]),
    )
    np.testing.assert_allclose(
        MulticlassHinge().value(y, raw).mean(), metrics.hinge_loss(y, raw, labels=[0, 1, 2])
    )


def test_special_cases_are_equal():
    y, raw = np.array([0.5, 1.0, 3.0]), np.array([-0.3, 2.0, 1.0])
    for one, other in [
        (Expectile(expectile=0.5), SquaredError()),
        (Tweedie(power=1), Poisson()),
        (Tweedie(power=2), Gamma()),
        (SmoothedAbsolute(width=1e-9), AbsoluteError()),
        (Focal(gamma=0), LogLoss()),
    ]:
        if one.task == "classification":
            y = np.array([0.0, 1.0, 1.0])
        pairs = zip(numpy_form(one, y, raw), numpy_form(other, y, raw), strict=True)
        for left, right in pairs:
            np.testing.assert_allclose(left, right, rtol=1e-13)


# loss, y, raw, value, gradient
KINKS = [
    (AbsoluteError(), 2, 2, 0, 0),
    (Huber(delta=1.0), 0, 1, 0.5, 1),
    (Huber(delta=1.0), 0, -1, 0.5, -1),
    (EpsilonInsensitive(epsilon=0.5), 0, 0.5, 0, 0),
    (EpsilonInsensitive(epsilon=0.5), 0, -0.5, 0, 0),
    (EpsilonInsensitive(epsilon=0.0), 1, 1, 0, 0),
    (SquaredEpsilonInsensitive(epsilon=0.5), 0, 0.5, 0, 0),
    (Quantile(quantile=0.7), 1, 1, 0, 0),
    (Expectile(expectile=0.7), 1, 1, 0, 0),
    (AbsolutePercentageError(), 2, 2, 0, 0),
    (AbsolutePercentageError(), 0, 0, 0, 0),
    (Hinge(), 1, 1, 0, -1),
    (Hinge(), 0, -1, 0, 1),
    (MulticlassHinge(), 1, 1, 0, -1),
    (SquaredHinge(), 1, 1, 0, 0),
    (SmoothHinge(gamma=0.5), 1, 1, 0, 0),
    (SmoothHinge(gamma=0.5), 1, 0.5, 0.25, -1),
    (ModifiedHuber(), 1, -1, 4, -4),
    (ModifiedHuber(), 0, -1, 0, 0),
    (Perceptron(), 1, 0, 0, -1),
    (Perceptron(), 0, 0, 0, 1),
    (SmoothedMargin(width=0.5, margin=0.0), 1, 0.5, 0, 0),
    (SmoothedMargin(width=0.5), 1, 0.5, 0.5, -1),
]


@pytest.mark.parametrize("loss, y, raw, value, gradient", KINKS, ids=str)
@both_forms
def test_subgradients_at_kinks(loss, y, raw, value, gradient, form):
    found = form(loss, np.array([y], dtype=float), np.array([raw], dtype=float))
    assert (found[0][0], found[1][0]) == (value, gradient)


@both_forms
def test_multiclass_hinge_at_its_kinks(form):
    y = np.array([0.0, 1.0, 2.0])
    raw = np.array([[1.0, 0.0, -3.0], [2.0, 0.0, 2.0], [0.0, 0.0, 1.5]])
    value, gradient = form(MulticlassHinge(), y, raw)
    np.testing.assert_array_equal(value, [0, 3, 0])
    np.testing.assert_array_equal(gradient, [[-1, 1, 0], [1, -1, 0], [0, 0, 0]])


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_label_smoothing_mixes_the_target_with_the_uniform(n_classes):
    smoothing = 0.15
    loss = LogLoss(label_smoothing=smoothing)
    rng = np.random.default_rng(0)
    raw, y = rng.standard_normal((8, n_classes)), rng.integers(0, n_classes, 8)
    target = (1 - smoothing) * np.eye(n_classes)[y] + smoothing / n_classes
    logs = scipy.special.log_softmax(raw, axis=1)
    np.testing.assert_allclose(loss.value(y, raw), -(target * logs).sum(axis=1))
    np.testing.assert_allclose(loss.gradient(y, raw), np.exp(logs) - target, atol=1e-15)
    np.testing.assert_allclose(loss.soft().value(np.eye(n_classes)[y], raw), loss.value(y, raw))
    if n_classes == 2:
        # the binary form is the softmax of (0, raw)
        np.testing.assert_allclose(
            loss.value(y.astype(float), raw[:, 1] - raw[:, 0]), loss.value(y, raw)
        )


# Domains and predictions


@each
def test_check_targets_at_the_ends_of_the_domain(loss):
    domain = loss.domain
    inside = np.nextafter(domain.low, np.inf), np.nextafter(domain.high, -np.inf)
    loss.check_targets(np.array([0.5, *np.clip(inside, -1e300, 1e300)]))
    for end, inclusive in [
        (domain.low, domain.low_inclusive),
        (domain.high, domain.high_inclusive),
    ]:
        if inclusive:
            loss.check_targets(np.array([0.5, end]))
        else:
            with pytest.raises(ValueError, match="out of the valid range"):
                loss.check_targets(np.array([0.5, end]))
    with pytest.raises(ValueError, match="in row 1"):
        loss.check_targets(np.array([0.5, np.nan]))


def test_check_targets_says_what_where_and_what_is_allowed():
    with pytest.raises(ValueError) as error:
        Poisson().check_targets(np.array([[0.0, 1.0], [2.0, -3.5], [-1.0, 0.0]]))
    message = str(error.value)
    for part in ("Poisson()", "[0, inf)", "-3.5", "row 1"):
        assert part in message
    with pytest.raises(ValueError, match=r"Tweedie\(power=2\).*\(0, inf\).*0\.0 in row 2"):
        Tweedie(power=2).check_targets(np.array([1.0, 2.0, 0.0]))


@pytest.mark.parametrize(
    "interval, text",
    [
        (Interval(), "(-inf, inf)"),
        (Interval(0, low_inclusive=True), "[0, inf)"),
        (Interval(-1.5, 2, high_inclusive=True), "(-1.5, 2]"),
    ],
)
def test_interval(interval, text):
    assert str(interval) == text
    ends = interval.includes([interval.low, interval.high, np.nan])
    assert ends.tolist() == [interval.low_inclusive, interval.high_inclusive, False]


@pytest.mark.filterwarnings("error")
def test_predict_inverts_the_link():
    raw = np.array([-1000.0, 0.0, 2.0, 1000.0])
    for loss in CASES:
        expected = raw
        if loss.domain.low == 0 and loss.task == "regression":
            expected = [0.0, 1.0, math.exp(2), np.inf]
        elif isinstance(loss, SquaredLogError):
            expected = [-1.0, 0.0, math.expm1(2), np.inf]
        np.testing.assert_allclose(loss.predict(raw), expected, rtol=1e-15)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "loss", [loss for loss in CASES if hasattr(loss, "predict_proba")], ids=repr
)
def test_predict_proba(loss):
    rng = np.random.default_rng(0)
    for scale in (1.0, 30.0, 2000.0):
        raw = scale * rng.standard_normal(50)
        proba = loss.predict_proba(raw)
        assert proba.shape == (50, 2)
        np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-15)
        assert np.array_equal(proba[:, 1] > 0.5, raw > 0)
        np.testing.assert_array_equal(loss.predict_proba(raw[:, None]), proba)
        raw = scale * rng.standard_normal((50, 4))
        proba = loss.predict_proba(raw)
        assert proba.shape == raw.shape
        np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-14)
        top = np.take_along_axis(proba, raw.argmax(axis=1)[:, None], axis=1)
        assert np.array_equal(top[:, 0], proba.max(axis=1))


def test_only_losses_with_a_probability_predict_one():
    having = {name for name, cls in LOSSES.items() if hasattr(cls, "predict_proba")}
    assert having == {"log_loss", "focal", "modified_huber", "exponential"}


def test_probabilities_are_those_of_the_link():
    raw = np.array([-0.5, 0.25])
    up = np.exp(raw) / (1 + np.exp(raw))
    np.testing.assert_allclose(LogLoss().predict_proba(raw)[:, 1], up)
    np.testing.assert_allclose(Focal().predict_proba(raw)[:, 1], up)
    np.testing.assert_allclose(ModifiedHuber().predict_proba(raw)[:, 1], [0.25, 0.625])
    # the minimiser of the expected exponential loss is log(p / (1 - p)) / 2
    p = Exponential().predict_proba(raw)[:, 1]
    np.testing.assert_allclose(np.log(p / (1 - p)) / 2, raw)
    # one versus rest, far from every class: still a distribution
    far = np.array([[-1000.0, -1001.0, -3000.0]])
    odds = LogLoss(multi_class="ovr").predict_proba(far)
    np.testing.assert_allclose(odds, scipy.special.softmax(far, axis=1))
    np.testing.assert_allclose(ModifiedHuber().predict_proba(far), 1 / 3)


def test_n_raw():
    for loss in CASES:
        expected = [1, 1, 3] if loss.task == "classification" else [1, 2, 3]
        assert [loss.n_raw(n) for n in (1, 2, 3)] == expected


# Smoothness


@each
def test_curvature_bounds_the_second_derivative(loss):
    if loss.curvature is None:
        return
    assert loss.smooth
    raw = np.linspace(-3, 3, 4001)
    y = np.repeat(targets(loss), len(raw)).reshape(-1, len(raw))
    bend = np.array([np.diff(loss.gradient(row, raw)) for row in y]) / np.diff(raw)
    assert np.abs(bend).max() <= loss.curvature * (1 + 1e-9)
    # and is not idle
    assert np.abs(bend).max() >= 0.9 * loss.curvature


@each_joint
def test_joint_curvature_bounds_the_hessian(loss):
    if loss.joint_curvature is None:
        return
    y, raw = scores(loss)
    raw[:] = 0.0
    raw[:, 2:] = -9.0 * getattr(loss, "width", 1.0)
    h, k = 1e-5, raw.shape[1]
    columns = [loss.gradient(y, raw + h * e) - loss.gradient(y, raw - h * e) for e in np.eye(k)]
    hessian = np.stack(columns, axis=-1) / (2 * h)
    largest = np.linalg.eigvalsh(hessian).max()
    assert largest <= loss.joint_curvature * (1 + 1e-6)


@each
def test_smoothed_converges(loss):
    close = loss.smoothed(0.5)
    if close is None:
        assert loss.smooth
        return
    raw = np.linspace(-3, 3, 1201)
    for width in (0.5, 1e-2, 1e-4):
        close = loss.smoothed(width)
        if close is None:  # it bends no sooner than that itself
            assert loss.smooth
            return
        close.validate()
        assert close.smooth
        assert close.task == loss.task and close.joint == loss.joint
        for y in targets(loss):
            y = np.full_like(raw, y)
            exact = loss.value(y, raw)
            gap = np.abs(close.value(y, raw) - exact)
            size = np.abs(y) if isinstance(close, SmoothedPercentage) else 1.0
            assert np.all(gap * np.maximum(size, np.finfo(float).eps) <= width + 1e-12 * exact)
    if loss.joint:
        y, raw = scores(loss)
        gap = loss.smoothed(1e-3).value(y, raw) - loss.value(y, raw)
        assert np.all((gap >= -1e-12) & (gap <= 1e-3 * math.log(raw.shape[1]) + 1e-12))


# Strategies


@each
def test_a_loss_is_a_value(loss):
    copies = clone(loss), pickle.loads(pickle.dumps(loss))
    for twin in copies:
        assert twin == loss and twin is not loss and hash(twin) == hash(loss)
    assert repr(loss).startswith(type(loss).__name__ + "(")
    assert loss.validate() is loss
    for name in loss.get_params():
        if isinstance(getattr(loss, name), float):
            assert clone(loss).set_params(**{name: getattr(loss, name) / 2 + 0.01}) != loss


@pytest.mark.parametrize(
    "loss",
    [
        Huber(delta=0),
        EpsilonInsensitive(epsilon=-0.1),
        Quantile(quantile=1.0),
        Expectile(expectile=0),
        Cauchy(scale=0),
        Tweedie(power=0.5),
        Tweedie(power=3.5),
        NegativeBinomial(dispersion=0),
        LogLoss(label_smoothing=1.0),
        LogLoss(multi_class="softmax"),
        SmoothHinge(gamma=0),
        Focal(gamma=-1),
        SmoothedAbsolute(width=0),
    ],
    ids=repr,
)
def test_parameters_are_validated(loss):
    with pytest.raises(InvalidParameterError, match=type(loss).__name__):
        loss.validate()


@pytest.mark.parametrize("name", LOSSES)
def test_a_string_takes_its_parameters_from_the_estimator(name):
    filled = {
        "huber": Huber(delta=0.25),
        "epsilon_insensitive": EpsilonInsensitive(epsilon=0.25),
        "squared_epsilon_insensitive": SquaredEpsilonInsensitive(epsilon=0.25),
    }
    params = {"epsilon": 0.25}
    loss = resolve(name, LOSSES, Loss, parameter="loss", owner="an estimator", params=params)
    assert loss == filled.get(name, LOSSES[name]())


def test_an_overriding_subclass_does_not_inherit_the_kernel():
    class Halved(Huber):
        def gradient(self, y, raw):
            return 0.5 * super().gradient(y, raw)

    def adapter(loss):
        return "adapter", loss

    loss = Halved(delta=2.0)
    assert compose_kernel(loss, adapter) == ("adapter", loss)
    assert compose_kernel(Huber(), adapter).__class__.__name__ == "HuberKernel"


@each
def test_docstrings_say_what_a_reader_needs(loss):
    text = type(loss).__doc__
    for part in (".. math::", "References\n", "Examples\n", "arget"):
        assert part in text, part
    if loss.get_params():
        assert "Parameters\n" in text
    if not loss.smooth:
        assert "subgradient" in text


@pytest.mark.parametrize(
    "name",
    [
        "losses.base",
        "losses.entropy",
        "losses.margins",
        "losses.positive",
        "losses.regression",
        "losses.smoothed",
        "testing.losses",
    ],
)
def test_examples_run(name):
    module = importlib.import_module(f"sklgd.{name}")
    failed, tried = doctest.testmod(module)
    assert tried and not failed
