"""The optimizers that tests run over."""

import itertools

import pytest

from sklgd.optimizers import (
    FISTA,
    FTRL,
    LBFGS,
    OPTIMIZERS,
    SAGA,
    SGD,
    SVRG,
    AdaBelief,
    AdaDelta,
    AdaGrad,
    Adam,
    Adamax,
    AdamW,
    Clipped,
    DoG,
    Lion,
    NAdam,
    NormalizedAdaGrad,
    Optimizer,
    PassiveAggressive,
    PolyakSGD,
    Prodigy,
    RAdam,
    RMSprop,
    ScheduleFreeAdamW,
    ScheduleFreeSGD,
)

#: away from the defaults, where the formulas have other branches
VARIANTS = [
    SGD(momentum=0.9),
    SGD(momentum=0.7, nesterov=True),
    *(
        Adam(beta_1=0.8, beta_2=0.99, epsilon=1e-6, amsgrad=amsgrad, bias_correction=corrected)
        for amsgrad, corrected in itertools.product([False, True], [False, True])
    ),
    Adam(beta_1=0.0, beta_2=0.0, epsilon=0.1),
    AdamW(beta_1=0.8, weight_decay=0.2),
    AdamW(amsgrad=True, bias_correction=False),
    NAdam(beta_1=0.7, beta_2=0.9, epsilon=1e-3, momentum_decay=0.05),
    RAdam(beta_1=0.7, beta_2=0.9, epsilon=1e-3),
    RAdam(beta_2=0.5),
    Adamax(beta_1=0.7, beta_2=0.9, epsilon=1e-3),
    AdaBelief(beta_1=0.7, beta_2=0.9, epsilon=1e-3, epsilon_root=1e-5),
    Lion(beta_1=0.7, beta_2=0.9, weight_decay=0.1),
    AdaGrad(initial_accumulator=0.5, epsilon=1e-3),
    AdaDelta(rho=0.7, epsilon=1e-4),
    *(
        RMSprop(rho=0.8, momentum=momentum, centered=centered, epsilon=1e-4)
        for momentum, centered in itertools.product([0.0, 0.6], [False, True])
    ),
    FTRL(l1=0.2, l2=0.1, beta=1.0, initial_accumulator=0.0),
    DoG(initial_distance=1e-3, epsilon=1e-4),
    Prodigy(beta_1=0.7, beta_2=0.9, beta_3=0.8, epsilon=1e-4, d0=1e-3),
    Prodigy(growth_rate=1.02, bias_correction=True, safeguard_warmup=True, d_coef=2.0),
    Prodigy(weight_decay=0.1),
    PolyakSGD(minimum=0.1),
    PassiveAggressive(variant="pa"),
    PassiveAggressive(C=0.1),
    PassiveAggressive(C=0.1, variant="pa2"),
    ScheduleFreeSGD(momentum=0.6, weight_decay=0.1, r=1.0, weight_lr_power=1.0),
    ScheduleFreeAdamW(beta_1=0.6, beta_2=0.9, epsilon=1e-3, weight_decay=0.1, r=0.5),
    Clipped(SGD(momentum=0.5), max_norm=0.1),
    Clipped(Adam()),
    Clipped(PolyakSGD()),
    Clipped(ScheduleFreeSGD()),
    Clipped(NormalizedAdaGrad()),
    LBFGS(history_size=3),
    LBFGS(standardize=True),
    FISTA(standardize=True),
    SAGA(learning_rate=0.05),
    SVRG(learning_rate=0.05, snapshot_every=3),
]
ALL = [*(cls() for cls in OPTIMIZERS.values()), *VARIANTS]
RULES = [rule for rule in ALL if type(rule).step is not Optimizer.step]
FULL_BATCH = [rule for rule in ALL if rule.full_batch]
REDUCED = [rule for rule in ALL if rule.variance_reduced]  # and tests/test_variance_reduced.py
#: rules that see rows before they step
SHOWN = [rule for rule in RULES if rule.needs_rows]

each = pytest.mark.parametrize("rule", ALL, ids=repr)
each_rule = pytest.mark.parametrize("rule", RULES, ids=repr)


def loss_of(rule, value):
    """Return the further argument of a rule's step, where it has one."""
    return [value] if rule.needs_loss else []
