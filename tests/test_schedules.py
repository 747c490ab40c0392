"""Schedules against closed forms, written from the libraries' counting of steps from 0."""

import math
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.utils._param_validation import InvalidParameterError

from sklgd.schedules import (
    SCHEDULES,
    Adaptive,
    CallableSchedule,
    Constant,
    CosineDecay,
    ExponentialDecay,
    InvScaling,
    LinearWarmup,
    OneCycle,
    Optimal,
    PiecewiseConstant,
    PolynomialDecay,
    Schedule,
    TimeDecay,
    as_schedule,
)

STEPS = np.arange(1, 60)


def keras_polynomial(step, eta0, end, steps, power):
    step = min(step, steps)
    return (eta0 - end) * (1 - step / steps) ** power + end


def torch_cosine_restarts(step, eta0, end, first, mult):
    length = first
    while step >= length:
        step -= length
        length *= mult
    return end + (eta0 - end) * (1 + math.cos(math.pi * step / length)) / 2


def torch_one_cycle(step, max_lr, total, pct, div, final_div):
    initial = max_lr / div
    bounds = [
        (0, pct * total - 1, initial, max_lr),
        (pct * total - 1, total - 1, max_lr, initial / final_div),
    ]
    for start, stop, low, high in bounds:
        if step <= stop:
            part = (step - start) / (stop - start)
            return high + (low - high) / 2.0 * (1 + math.cos(math.pi * part))
    return initial / final_div


def sgd_optimal(t, alpha):
    typw = math.sqrt(1.0 / math.sqrt(alpha))
    t0 = 1.0 / (typw * alpha)
    return 1.0 / (alpha * (t0 + t - 1))


# schedule, rate of step t
FORMULAS = [
    (Constant(0.3), lambda t: 0.3),
    (InvScaling(0.3, power_t=0.7), lambda t: 0.3 / t**0.7),
    (Optimal(alpha=0.01), lambda t: sgd_optimal(t, 0.01)),
    (Adaptive(0.3), lambda t: 0.3),
    (TimeDecay(0.3, decay=0.2), lambda t: 0.3 / (1 + 0.2 * (t - 1))),
    (TimeDecay(0.3, decay=0.2, power=0.5), lambda t: 0.3 / math.sqrt(1 + 0.2 * (t - 1))),
    (ExponentialDecay(0.3, 0.5, 7), lambda t: 0.3 * 0.5 ** ((t - 1) / 7)),
    (ExponentialDecay(0.3, 0.5, 7, staircase=True), lambda t: 0.3 * 0.5 ** ((t - 1) // 7)),
    (
        PiecewiseConstant([10, 30], [0.3, 0.2, 0.1]),
        lambda t: 0.3 if t <= 10 else 0.2 if t <= 30 else 0.1,
    ),
    (PolynomialDecay(0.3, 0.1, 20, 2.0), lambda t: keras_polynomial(t - 1, 0.3, 0.1, 20, 2.0)),
    (
        CosineDecay(0.3, 20, end=0.1),
        lambda t: 0.1 + 0.2 * (1 + math.cos(math.pi * min((t - 1) / 20, 1))) / 2,
    ),
    (
        CosineDecay(0.3, 10, restarts=True),
        lambda t: torch_cosine_restarts(t - 1, 0.3, 0.0, 10, 1),
    ),
    (
        CosineDecay(0.3, 3, end=0.1, restarts=True, cycle_mult=2),
        lambda t: torch_cosine_restarts(t - 1, 0.3, 0.1, 3, 2),
    ),
    (
        CosineDecay(0.3, 4, restarts=True, cycle_mult=1.5),
        lambda t: torch_cosine_restarts(t - 1, 0.3, 0.0, 4, 1.5),
    ),
    (LinearWarmup(0.3, steps=10), lambda t: 0.3 * min(t / 10, 1)),
    (
        LinearWarmup(InvScaling(0.3, power_t=0.5), steps=10),
        lambda t: 0.03 * t if t <= 10 else 0.3 / (t - 9) ** 0.5,
    ),
    (OneCycle(0.3, 40), lambda t: torch_one_cycle(t - 1, 0.3, 40, 0.3, 25, 1e4)),
    (
        OneCycle(0.3, 10, pct_start=0.95, div_factor=4, final_div_factor=10),
        lambda t: torch_one_cycle(t - 1, 0.3, 10, 0.95, 4, 10),
    ),
    (CallableSchedule(lambda t: 0.3 / t), lambda t: 0.3 / t),
]


#: without the addresses of functions, which differ from process to process
NAMES = [repr(schedule).split(" at ")[0] for schedule, _ in FORMULAS]


@pytest.mark.parametrize("schedule, rate", FORMULAS, ids=NAMES)
def test_formula(schedule, rate):
    expected = [rate(t) for t in STEPS.tolist()]
    np.testing.assert_allclose(schedule(STEPS), expected, rtol=1e-12)


@pytest.mark.parametrize("schedule, rate", FORMULAS, ids=NAMES)
def test_scalar_equals_vector(schedule, rate):
    rates = schedule(STEPS)
    assert rates.shape == STEPS.shape
    assert rates.dtype == np.float64
    for t, expected in zip(STEPS, rates, strict=True):
        for step in (int(t), t):
            assert type(schedule(step)) is float
            assert schedule(step) == pytest.approx(expected, rel=1e-15)
    np.testing.assert_array_equal(schedule(STEPS[:58].reshape(2, 29)).ravel(), rates[:58])
    np.testing.assert_array_equal(schedule(STEPS), rates)
    assert schedule(STEPS[:0]).shape == (0,)


@pytest.mark.parametrize("name", SCHEDULES)
def test_registered(name):
    cls = SCHEDULES[name]
    schedule = as_schedule(name)
    assert type(schedule) is cls
    assert clone(schedule) == schedule == pickle.loads(pickle.dumps(schedule))
    assert hash(clone(schedule)) == hash(schedule)
    assert schedule != CallableSchedule(abs)
    assert cls.from_estimator({"eta0": None, "power_t": None, "alpha": 1e-4}) == schedule
    rates = schedule(np.array([1, 2, 1000, 10**6, 10**9]))
    assert np.all(np.isfinite(rates)) and np.all(rates >= 0)
    assert cls.__doc__ and ">>>" in cls.__doc__


@pytest.mark.parametrize("name", sorted(set(SCHEDULES) - {"optimal", "piecewise_constant"}))
def test_a_string_takes_eta0_from_the_estimator(name):
    schedule = SCHEDULES[name].from_estimator({"eta0": 0.7, "power_t": None, "alpha": 0.1})
    assert schedule(np.arange(1, 12_000)).max() == pytest.approx(0.7, rel=1e-3)


def test_parameters_from_the_estimator():
    params = {"eta0": 0.5, "power_t": 0.1, "alpha": 0.2}
    assert SCHEDULES["invscaling"].from_estimator(params) == InvScaling(0.5, power_t=0.1)
    assert SCHEDULES["optimal"].from_estimator(params) == Optimal(0.2)


@pytest.mark.parametrize("alpha", [1e-6, 1e-4, 0.5, 10.0])
def test_optimal_takes_the_steps_of_sklearn(alpha):
    # One row with x = 0 and the hinge: only the intercept moves, by the rate of its step.
    from sklearn.linear_model import SGDClassifier

    model = SGDClassifier(alpha=alpha, penalty=None, learning_rate="optimal", shuffle=False)
    model.partial_fit([[0.0]], [1], classes=[0, 1])
    assert model.intercept_[0] == pytest.approx(Optimal(alpha)(1), rel=1e-12)


def test_optimal_needs_alpha():
    message = "alpha must be > 0 since learning_rate is 'optimal'"
    with pytest.raises(ValueError, match=message):
        Optimal(alpha=0.0).validate()
    with pytest.raises(ValueError, match=message):
        Optimal(alpha=0.0)(1)


def test_plateau():
    schedule = Adaptive(0.01, factor=10, min_rate=1e-4)
    scales = [1.0]
    while (scale := schedule.on_plateau(scales[-1])) is not None:
        scales.append(scale)
    # the rate that is at min_rate is the last
    assert 0.01 * scales[-1] == pytest.approx(1e-4, rel=1e-9)
    np.testing.assert_allclose(scales, np.logspace(0, 1 - len(scales), len(scales)))
    for name in set(SCHEDULES) - {"adaptive"}:
        assert as_schedule(name).on_plateau(1.0) is None
    assert LinearWarmup(schedule, steps=3).on_plateau(1.0) == 0.1


@pytest.mark.parametrize(
    "schedule, change",
    [
        (PolynomialDecay(1.0, 0.1, 1000, 2.0), 0.002),
        (CosineDecay(1.0, 1000, end=0.1), 0.002),
        (LinearWarmup(CosineDecay(1.0, 1000), 500), 0.0021),
        (OneCycle(1.0, 1000), 0.006),
    ],
    ids=repr,
)
def test_continuous(schedule, change):
    assert np.abs(np.diff(schedule(np.arange(1, 2000)))).max() <= change


def test_restarts_at_exact_boundaries():
    schedule = CosineDecay(1.0, 10, restarts=True, cycle_mult=3)
    starts = 1 + 10 * (3 ** np.arange(12) - 1) // 2
    np.testing.assert_array_equal(schedule(starts), 1.0)
    np.testing.assert_allclose(schedule(starts[1:] - 1), 0.0, atol=0.05)


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("pct_start", [0.01, 0.5, 0.99])
def test_one_cycle_of_few_steps(steps, pct_start):
    rates = OneCycle(1.0, steps, pct_start=pct_start)(np.arange(1, 6))
    assert np.all(np.isfinite(rates)) and rates.max() <= 1.0
    np.testing.assert_allclose(rates[steps:], 1 / 25e4)


def test_warmup_ends_at_the_inner_start():
    inner = ExponentialDecay(0.5, 0.5, 10)
    schedule = LinearWarmup(inner, steps=7)
    assert schedule(7) == inner(1)
    np.testing.assert_array_equal(schedule(STEPS + 6), inner(STEPS))


def test_nested_parameters():
    schedule = LinearWarmup(InvScaling(0.1), steps=5)
    assert schedule.get_params()["schedule__power_t"] == 0.25
    twin = clone(schedule).set_params(schedule__eta0=0.2)
    assert twin.schedule == InvScaling(0.2)
    assert twin != schedule
    assert twin(5) == 2 * schedule(5)


def branching(t):
    return 0.1 if t <= 2 else 0.01


def scrambled(t):
    return 0.1 / np.max(t) * np.ones(np.shape(t))


TABLE = [0.0, 0.4, 0.3, 0.2, 0.1]


@pytest.mark.parametrize(
    "function",
    [
        branching,
        scrambled,
        lambda t: 0.5,
        lambda t: 0.5 / np.sqrt(t),
        lambda t: 0.5 / math.sqrt(t),
        lambda t: TABLE[t],
        lambda t: np.array(TABLE)[t],
    ],
)
def test_callable_vectorised_or_not(function):
    schedule = CallableSchedule(function)
    steps = np.array([[4, 1], [3, 2]])
    expected = np.array([float(function(t)) for t in steps.ravel().tolist()]).reshape(2, 2)
    np.testing.assert_array_equal(schedule(steps), expected)


def test_callable_must_return_a_number():
    with pytest.raises(TypeError, match="must return a number for each step"):
        CallableSchedule(lambda t: [0.5])(1)


def test_callable_returns_no_view_of_the_function():
    rates = np.full(2, 0.1)
    schedule = CallableSchedule(lambda t: rates if np.ndim(t) else 0.1)
    schedule(np.array([1, 2]))[:] = 7
    assert rates[0] == 0.1


def test_callable_passes_errors_on():
    def broken(t):
        raise KeyError("no such step")

    with pytest.raises(KeyError, match="no such step"):
        CallableSchedule(broken)(STEPS)


def test_as_schedule():
    schedule = InvScaling()
    assert as_schedule(schedule) is schedule
    assert as_schedule(0.1) == as_schedule(np.float64(0.1)) == Constant(0.1)
    assert as_schedule(0) == Constant(0.0)
    assert as_schedule("invscaling") == InvScaling()
    assert as_schedule(branching) == CallableSchedule(branching)


@pytest.mark.parametrize(
    "value", [-0.1, math.nan, math.inf, True, None, [0.1], "inv_scaling", InvScaling, 1j]
)
def test_as_schedule_refuses(value):
    with pytest.raises(
        InvalidParameterError, match="'learning_rate' parameter of SGD must be"
    ) as e:
        as_schedule(value, owner="SGD")
    assert "invscaling" in str(e.value)


def test_as_schedule_suggests():
    with pytest.raises(InvalidParameterError, match="Did you mean 'invscaling'"):
        as_schedule("inv_scaling")
    with pytest.raises(InvalidParameterError, match=r"Pass an object: InvScaling\(\)"):
        as_schedule(InvScaling)


@pytest.mark.parametrize(
    "schedule",
    [
        Constant(-1.0),
        Constant("0.1"),
        InvScaling(power_t=math.nan),
        Adaptive(factor=1),
        TimeDecay(decay=-1),
        TimeDecay(power=-1),
        ExponentialDecay(decay_rate=0),
        ExponentialDecay(decay_steps=0),
        PiecewiseConstant([1, 2], [0.1, 0.2]),
        PiecewiseConstant([2, 1], [0.1, 0.2, 0.3]),
        PiecewiseConstant([0], [0.1, 0.2]),
        PiecewiseConstant([1], [0.1, -0.2]),
        PolynomialDecay(steps=2.5),
        CosineDecay(cycle_mult=0.5),
        LinearWarmup(-0.1),
        LinearWarmup(Constant(-0.1)),
        LinearWarmup("linear"),
        OneCycle(pct_start=1.0),
        CallableSchedule(3),
    ],
    ids=repr,
)
def test_bad_parameters(schedule):
    with pytest.raises(InvalidParameterError):
        schedule.validate()


def test_a_users_schedule():
    class Mine(Schedule):
        def __call__(self, t):
            return 0.5 / np.asarray(t)

    assert as_schedule(Mine())(5) == 0.1
    assert LinearWarmup(Mine(), steps=2)(3) == 0.25
    with pytest.raises(NotImplementedError, match="must define __call__"):
        Schedule()(1)


@pytest.mark.parametrize("rates", [[0.1] * 3 + [0.01] * 97, np.linspace(0.1, 0.01, 100)])
def test_a_function_may_look_its_rates_up(rates):
    """Steps are whole numbers, one by one or in an array."""
    schedule = CallableSchedule(lambda t: rates[t - 1])
    assert_array_equal(schedule(np.arange(1.0, 101.0)), rates)
    assert schedule(4.0) == rates[3]


def test_a_function_of_steps_does_not_overflow():
    schedule = CallableSchedule(lambda t: 1e20 / t**5)
    assert schedule(np.array([1e5]))[0] == pytest.approx(1e-5)
