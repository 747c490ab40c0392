"""Records the trajectories that `tests/test_trajectories.py` compares with.

Needs none of sklgd, but the references; run as

    pip install torch==2.13.0 keras==3.15.1 optax==0.2.8 jax==0.10.2 \
        schedulefree==1.4.1 prodigyopt==1.1.2 dog-optimizer==1.0.3
    python tests/recipes/trajectories.py

It writes `tests/data/trajectories.json`: for each rule and problem the reference, its version, and
the parameters after some of 50 steps, float64 in full.  Gradients come from NumPy, so that the
references contribute nothing but their step.
"""

import json
import os
from importlib.metadata import version
from pathlib import Path

import numpy as np

OUT = Path(__file__).resolve().parent.parent / "data" / "trajectories.json"
STEPS = 50
RECORDED = (1, 2, 5, 20, 50)

# -- the problems: nothing drawn at random, so nothing depends on a generator ----------------

_ANGLES = np.arange(1.0, 61.0).reshape(20, 3)
ROWS = np.cos(_ANGLES) * [1.0, 3.0, 0.5]
SIGNS = np.where(np.sin(3.0 * np.arange(20.0)) + 0.8 * ROWS[:, 0] > 0, 1.0, -1.0)
CURVATURE = np.array([3.0, 0.3, 1.0])
CENTRE = np.array([1.0, -2.0, 0.5])


def quadratic(x):
    """Return sum c (x - x*)^2 / 2 + 0.3, and its gradient."""
    return float(CURVATURE @ (x - CENTRE) ** 2 / 2 + 0.3), CURVATURE * (x - CENTRE)


def logistic(x):
    """Return the mean log-loss of fixed rows with a ridge, and its gradient."""
    margin = SIGNS * (ROWS @ x)
    draw = -SIGNS / (1.0 + np.exp(margin)) / len(SIGNS)
    value = np.logaddexp(0.0, -margin).mean() + 0.05 * (x @ x)
    return float(value), ROWS.T @ draw + 0.1 * x


#: name -> (function, start)
PROBLEMS = {"quadratic": (quadratic, [0.0, 0.5, -1.0]), "logistic": (logistic, [0.3, -0.2, 1.0])}

# -- the rules: as sklgd writes them, and as the reference does ----------------------------

#: (rule, learning rate, reference, its class, its arguments beside the rate)
CASES = [
    ("SGD()", 0.1, "torch", "SGD", {}),
    ("SGD(momentum=0.9)", 0.05, "torch", "SGD", {"momentum": 0.9}),
    (
        "SGD(momentum=0.8, nesterov=True)",
        0.05,
        "torch",
        "SGD",
        {"momentum": 0.8, "nesterov": True},
    ),
    ("Adam()", 0.05, "torch", "Adam", {}),
    ("Adam(amsgrad=True)", 0.3, "torch", "Adam", {"amsgrad": True}),
    (
        "Adam(beta_1=0.7, beta_2=0.9, epsilon=1e-3)",
        0.05,
        "torch",
        "Adam",
        {"betas": (0.7, 0.9), "eps": 1e-3},
    ),
    ("AdamW()", 0.05, "torch", "AdamW", {}),
    (
        "AdamW(amsgrad=True, weight_decay=0.3)",
        0.2,
        "torch",
        "AdamW",
        {"amsgrad": True, "weight_decay": 0.3},
    ),
    ("NAdam()", 0.05, "torch", "NAdam", {}),
    (
        "NAdam(beta_1=0.8, beta_2=0.9, epsilon=1e-4, momentum_decay=0.1)",
        0.05,
        "torch",
        "NAdam",
        {"betas": (0.8, 0.9), "eps": 1e-4, "momentum_decay": 0.1},
    ),
    ("RAdam()", 0.05, "torch", "RAdam", {}),
    (
        "RAdam(beta_1=0.8, beta_2=0.9, epsilon=1e-4)",
        0.05,
        "torch",
        "RAdam",
        {"betas": (0.8, 0.9), "eps": 1e-4},
    ),
    ("Adamax()", 0.05, "torch", "Adamax", {}),
    (
        "Adamax(beta_1=0.8, beta_2=0.9, epsilon=1e-4)",
        0.05,
        "torch",
        "Adamax",
        {"betas": (0.8, 0.9), "eps": 1e-4},
    ),
    ("AdaGrad()", 0.3, "torch", "Adagrad", {}),
    (
        "AdaGrad(initial_accumulator=0.1, epsilon=1e-3)",
        0.3,
        "torch",
        "Adagrad",
        {"initial_accumulator_value": 0.1, "eps": 1e-3},
    ),
    ("AdaDelta()", 1.0, "torch", "Adadelta", {}),
    ("AdaDelta(rho=0.7, epsilon=1e-3)", 2.0, "torch", "Adadelta", {"rho": 0.7, "eps": 1e-3}),
    ("RMSprop()", 0.01, "torch", "RMSprop", {"alpha": 0.9}),
    (
        "RMSprop(momentum=0.5, epsilon=1e-3)",
        0.01,
        "torch",
        "RMSprop",
        {"alpha": 0.9, "momentum": 0.5, "eps": 1e-3},
    ),
    (
        "RMSprop(rho=0.99, momentum=0.5, centered=True)",
        0.01,
        "torch",
        "RMSprop",
        {"momentum": 0.5, "centered": True},
    ),
    ("Clipped(SGD(momentum=0.5), 0.2)", 0.1, "torch", "SGD", {"momentum": 0.5, "max_norm": 0.2}),
    ("Clipped(Adam())", 0.05, "torch", "Adam", {"max_norm": 1.0}),
    ("Lion()", 0.02, "optax", "lion", {"weight_decay": 0.0}),
    (
        "Lion(beta_1=0.8, beta_2=0.95, weight_decay=0.1)",
        0.02,
        "optax",
        "lion",
        {"b1": 0.8, "b2": 0.95, "weight_decay": 0.1},
    ),
    ("AdaBelief()", 0.02, "optax", "adabelief", {}),
    (
        "AdaBelief(beta_1=0.8, beta_2=0.9, epsilon=1e-4, epsilon_root=1e-6)",
        0.02,
        "optax",
        "adabelief",
        {"b1": 0.8, "b2": 0.9, "eps": 1e-4, "eps_root": 1e-6},
    ),
    ("PolyakSGD()", 1.0, "optax", "polyak_sgd", {"variant": "sps+"}),
    (
        "PolyakSGD(minimum=0.29)",
        0.6,
        "optax",
        "polyak_sgd",
        {"variant": "sps+", "f_min": 0.29},
    ),
    ("FTRL()", 0.3, "keras", "Ftrl", {}),
    (
        "FTRL(l1=0.1, l2=0.05, beta=0.5, initial_accumulator=0.2)",
        0.5,
        "keras",
        "Ftrl",
        {
            "l1_regularization_strength": 0.1,
            "l2_regularization_strength": 0.05,
            "beta": 0.5,
            "initial_accumulator_value": 0.2,
        },
    ),
    ("ScheduleFreeSGD()", 0.3, "schedulefree", "SGDScheduleFree", {}),
    (
        "ScheduleFreeSGD(momentum=0.7, weight_decay=0.1, r=1.0)",
        0.3,
        "schedulefree",
        "SGDScheduleFree",
        {"momentum": 0.7, "weight_decay": 0.1, "r": 1.0},
    ),
    ("ScheduleFreeAdamW()", 0.05, "schedulefree", "AdamWScheduleFree", {}),
    (
        "ScheduleFreeAdamW(beta_1=0.8, beta_2=0.9, weight_decay=0.1, r=0.5)",
        0.05,
        "schedulefree",
        "AdamWScheduleFree",
        {"betas": (0.8, 0.9), "weight_decay": 0.1, "r": 0.5},
    ),
    ("Prodigy()", 1.0, "prodigyopt", "Prodigy", {}),
    (
        "Prodigy(beta_1=0.8, beta_2=0.99, beta_3=0.95, weight_decay=0.1, d0=0.01, d_coef=0.5, "
        "growth_rate=1.5, bias_correction=True, safeguard_warmup=True)",
        0.8,
        "prodigyopt",
        "Prodigy",
        {
            "betas": (0.8, 0.99),
            "beta3": 0.95,
            "weight_decay": 0.1,
            "d0": 0.01,
            "d_coef": 0.5,
            "growth_rate": 1.5,
            "use_bias_correction": True,
            "safeguard_warmup": True,
        },
    ),
    ("DoG()", 1.0, "dog", "DoG", {}),
    ("DoG(initial_distance=0.01)", 0.7, "dog", "DoG", {"reps_rel": 0.01}),
]

#: FTRL starts at zero: sklgd's goes on from where it stands, while Keras forgets where that was
ZERO_START = {"Ftrl"}


def start_of(problem, cls):
    """Return where a reference starts."""
    _, start = PROBLEMS[problem]
    return np.zeros(3) if cls in ZERO_START else np.array(start)


# -- the references ------------------------------------------------------------------------


def of_torch(module, cls, lr, kwargs, function, start):
    import torch

    torch.set_default_dtype(torch.float64)
    max_norm = kwargs.get("max_norm")
    kwargs = {key: value for key, value in kwargs.items() if key != "max_norm"}
    params = torch.nn.Parameter(torch.tensor(start))
    rule = getattr(module, cls)([params], lr=lr, **kwargs)
    has_modes = hasattr(rule, "train")
    for _ in range(STEPS):
        if has_modes:
            rule.train()
        params.grad = torch.tensor(function(params.detach().numpy())[1])
        if max_norm is not None:
            torch.nn.utils.clip_grad_norm_([params], max_norm)
        rule.step()
        if has_modes:
            rule.eval()
        yield params.detach().numpy().copy()


def of_optax(cls, lr, kwargs, function, start):
    import jax

    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp
    import optax

    params = jnp.asarray(start)
    rule = getattr(optax, cls)(lr, **kwargs)
    state = rule.init(params)
    extra = {"value"} if cls == "polyak_sgd" else set()
    for _ in range(STEPS):
        value, grad = function(np.asarray(params))
        given = {"value": value} if extra else {}
        updates, state = rule.update(jnp.asarray(grad), state, params, **given)
        params = optax.apply_updates(params, updates)
        yield np.asarray(params).copy()


def of_keras(cls, lr, kwargs, function, start):
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    keras.config.set_floatx("float64")
    params = keras.Variable(start)
    rule = getattr(keras.optimizers, cls)(learning_rate=lr, **kwargs)
    for _ in range(STEPS):
        grad = function(params.numpy())[1]
        rule.apply([keras.ops.convert_to_tensor(grad)], [params])
        yield params.numpy().copy()


def walk(library, cls, lr, kwargs, problem):
    """Yield the parameters of a reference after each step."""
    function, start = PROBLEMS[problem][0], start_of(problem, cls)
    if library == "optax":
        return of_optax(cls, lr, kwargs, function, start)
    if library == "keras":
        return of_keras(cls, lr, kwargs, function, start)
    module = __import__("torch").optim if library == "torch" else __import__(library)
    return of_torch(module, cls, lr, kwargs, function, start)


def main():
    packages = {"dog": "dog-optimizer"}
    records = []
    for rule, lr, library, cls, kwargs in CASES:
        points = {}
        for problem in PROBLEMS:
            steps = enumerate(walk(library, cls, lr, kwargs, problem), start=1)
            points[problem] = {t: params.tolist() for t, params in steps if t in RECORDED}
        name = packages.get(library, library)
        reference = f"{name} {version(name)} {cls}"
        records.append({"rule": rule, "lr": lr, "reference": reference, "points": points})
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
