"""Epochs to 1e-8 of the optimum for SAGA, SVRG and L-BFGS; see benchmarks/README.md."""

import _compare  # isort: skip  (first: it sets the threads)

import argparse
import math
import os
import re
import time

from _competitors import quiet_fit, result, sklgd
from _minima import Cache
from _problems import problems

from sklgd.optimizers import LBFGS, SAGA, SVRG

#: (F - F*) / (F0 - F*), F0 being the best constant's objective
GOAL = 1e-8
RULES = (SAGA(), SVRG(), LBFGS())
LOSSES = ("log_loss", "squared_error", "huber")
#: how much more epochs there are from look to look
GROWTH = 1.15


def run(problem, rule, cache, args):
    """Train on until the goal or the limits; return epochs, seconds and the last suboptimality."""
    model = sklgd(problem, None, optimizer=rule, warm_start=True, max_iter=1, random_state=0)
    cache.minimum(problem)  # solved for before anybody's value counts
    epochs, seconds = 0, 0.0
    while True:
        started = time.perf_counter()
        quiet_fit(model, problem)
        seconds += time.perf_counter() - started
        epochs += model.n_iter_
        value = problem.value(*result(model))
        cache.lower(problem, value)
        lowest = cache.minimum(problem)
        relative = (value - lowest) / (problem.at_constant - lowest)
        ended = relative <= GOAL or model.n_iter_ < model.max_iter
        if ended or epochs >= args.epochs or seconds >= args.seconds:
            return epochs, seconds, relative
        model.max_iter = max(1, min(math.ceil((GROWTH - 1) * epochs), args.epochs - epochs))


def main():
    """Print a table: a line for each problem, with the epochs that each optimizer took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=os.environ.get("SKLGD_DATA"), help="folder with load.py")
    parser.add_argument("--problems", default="", help="regular expression of those to run")
    parser.add_argument("--epochs", type=int, default=5000, help="at most so many")
    parser.add_argument("--seconds", type=float, default=300.0, help="at most about so many a fit")
    parser.add_argument("--cache", default="high_precision.json", help="file of known minima")
    parser.add_argument("--threads", type=int, help="threads of BLAS and OpenMP")
    args = parser.parse_args()
    _compare.environment()

    def wanted(name):
        loss = name.split("/")[1]
        return "-scaled/" in name and loss in LOSSES and re.search(args.problems, name)

    cache = Cache(args.cache)
    names = [type(rule).__name__ for rule in RULES]
    print(f"epochs (seconds) to (F - F*) / (F0 - F*) <= {GOAL:.0e}, alpha 1e-4")
    print(f"{'':42}{'rows x features':>18}" + "".join(f"{name:>22}" for name in names))
    failed = 0
    for problem in problems(args.data, alphas=(1e-4,), wanted=wanted):
        cells = []
        for rule in RULES:
            epochs, seconds, relative = run(problem, rule, cache, args)
            missed = relative > GOAL
            failed += missed
            end = f" {relative:.0e}" if missed else ""
            cells.append(f"{epochs} ({seconds:.1f}){end}")
        shape = "{} x {}".format(*problem.X.shape)
        print(f"{problem.name:42}{shape:>18}" + "".join(f"{c:>22}" for c in cells), flush=True)
    print(f"{failed} did not get there")


if __name__ == "__main__":
    main()
