"""Time to an accuracy: sklgd's default against everybody; see benchmarks/README.md."""

import _compare  # isort: skip  (first: it sets the threads)

import argparse
import contextlib
import io
import json
import math
import os
import re
import sys
import time
import warnings
from functools import partial

from _competitors import competitors, quiet_fit, result, sklgd
from _minima import Cache
from _problems import problems

TARGETS = (1e-2, 1e-3, 1e-4)
#: the accuracy that counts
GOAL = 1e-3
#: what a competitor that never gets there counts as, in times of sklgd's
NEVER = 20.0
#: of a family with many settings, so many go on after fits of so many passes
KEPT, LOOKS = 4, (2, 8)
#: seconds of a call before which it is worth another one to fill the caches
SHORT = 0.05
#: sklgd's own ladder; the default is 1e-3
TOLS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)


def command():
    """Return the command line, without the folders of this machine."""
    here = (os.path.basename(word) if os.path.exists(word) else word for word in sys.argv)
    return " ".join(word or "." for word in here)


class Heat:
    """One problem, everybody who can solve it."""

    def __init__(self, problem, cache, args):
        self.problem, self.cache, self.args = problem, cache, args
        self.clock = {"wall": time.perf_counter, "cpu": time.process_time}[args.clock]
        self.minimum = cache.minimum(problem)
        self.start = problem.at_constant

    def fit(self, estimator):
        """Return the seconds of a fit, and its relative suboptimality."""
        seconds = self.time(lambda: quiet_fit(estimator, self.problem))
        value = self.problem.value(*result(estimator))
        if value < self.minimum:
            self.cache.lower(self.problem, value)
            self.minimum = value
        return seconds, self.relative(value)

    def relative(self, value):
        """Return (F - F*) / (F0 - F*)."""
        return (value - self.minimum) / (self.start - self.minimum)

    def default(self):
        """Fit sklgd's default; note what it warns of, and where it ends."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = sklgd(self.problem, n_jobs=self.args.threads).fit(
                self.problem.X, self.problem.y
            )
        value = self.problem.value(*result(model))
        return {
            "optimizer": type(model.optimizer_).__name__,
            "n_iter": model.n_iter_,
            "warnings": [str(warning.message)[:80] for warning in caught],
            "relative": self.relative(value),
            "excess": (value - self.minimum) / max(abs(self.minimum), 1e-300),
        }

    def run(self, field):
        """Return what happened."""
        own = lambda tol: sklgd(self.problem, tol, n_jobs=self.args.threads)  # noqa: E731
        self.fit(own(1e-3))
        seconds = min(self.fit(own(1e-3))[0] for _ in range(2))
        self.limit = max(self.args.give_up * seconds, 0.02)
        rows = {"sklgd": self.times(TOLS, own)}
        runners = [each for each in field if each.applies(self.problem)]
        for family in dict.fromkeys(each.family for each in runners):
            members = [each for each in runners if each.family == family]
            for member in self.promising(members):
                make = partial(member.estimator, self.problem)
                best = rows.get(family, {}).get(GOAL, (math.inf,))[0]
                times = self.times(member.efforts, make, limit=best)
                rows[family] = self.better(rows.get(family), times)
        paces = self.paces(rows, own)
        return {
            "problem": self.problem.name,
            "command": command(),
            "shape": list(self.problem.X.shape),
            "default": self.default(),
            "times": {
                name: {str(target): row[target][0] for target in TARGETS}
                for name, row in rows.items()
            },
            "paces": paces,
        }

    def promising(self, members):
        """Return the members of a family that are lowest after a few passes."""
        if len(members) <= KEPT:
            return members
        ends = [
            (self.fit(member.estimator(self.problem, effort))[1], at)
            for at, member in enumerate(members)
            for effort in LOOKS
        ]
        kept = dict.fromkeys(at for _, at in sorted(ends))
        return [members[at] for at in list(kept)[:KEPT]]

    def times(self, efforts, make, limit=math.inf):
        """Return target -> (seconds, make, effort) of the first fit that reaches it."""
        found = {target: (math.inf, None, None) for target in TARGETS}
        for effort in efforts:
            seconds, relative = self.fit(make(effort))
            for target in TARGETS:
                if relative <= target and seconds < found[target][0]:
                    found[target] = (seconds, make, effort)
            if relative <= min(TARGETS) or seconds > min(self.limit, 3.0 * limit):
                break
        return found

    def better(self, row, times):
        """Return the best of a family: its tuning is that of an oracle."""
        if row is None:
            return times
        return {target: min(row[target], times[target], key=lambda t: t[0]) for target in TARGETS}

    def time(self, call):
        """Return the seconds of a call."""
        started = self.clock()
        call()
        return self.clock() - started

    def paces(self, rows, own):
        """Time what reaches the goal in turn; return the best seconds of each.

        Each is called twice in a turn, and the second call counts where the first was short: the
        others have emptied the caches meanwhile, or filled them, as the solvers of one estimator do
        for each other.
        """
        calls = {"sklgd default": lambda: quiet_fit(own(1e-3), self.problem)}
        for name, row in rows.items():
            _, make, effort = row[GOAL]
            if make is not None and name != "sklgd":
                calls[name] = lambda make=make, effort=effort: quiet_fit(make(effort), self.problem)
        best = dict.fromkeys(calls, math.inf)
        for _ in range(self.args.repeats):
            for name, call in calls.items():
                seconds = self.time(call)
                best[name] = min(best[name], self.time(call) if seconds < SHORT else seconds)
        return {name: best.get(name, math.inf) for name in ("sklgd default", *rows)}


def ratios(heat):
    """Return each competitor's time to the goal over the time of sklgd's default call."""
    mine = heat["paces"]["sklgd default"]
    return {
        name: min(seconds / mine, NEVER)
        for name, seconds in heat["paces"].items()
        if not name.startswith("sklgd")
    }


def geometric_mean(values):
    """Return the geometric mean."""
    return math.exp(sum(map(math.log, values)) / len(values))


def show(heat):
    """Print one problem: milliseconds to each accuracy."""
    default = heat["default"]
    note = (
        f"{default['optimizer']}, {default['n_iter']} iterations, ends at {default['relative']:.1e}"
    )
    print(f"\n{heat['problem']}  {heat['shape'][0]} x {heat['shape'][1]}  ({note})")
    for warning in default["warnings"]:
        print("  WARNS", warning)
    mine = heat["paces"]["sklgd default"]
    print(f"  {'sklgd default':28} {1e3 * mine:9.2f} ms")
    for name, row in heat["times"].items():
        line = "".join(f"{1e3 * row[str(target)]:10.2f}" for target in TARGETS)
        pace = heat["paces"].get(name, math.inf)
        ratio = "" if name == "sklgd" else f"   x {min(pace / mine, NEVER):.2f}"
        print(f"  {name:28}{line}{ratio}", flush=True)


def summary(heats):
    """Return rows (competitor, problems, geometric mean, least, where), and the best of all."""
    found, best = {}, []
    for heat in heats:
        each = ratios(heat)
        for name, ratio in each.items():
            found.setdefault(name, []).append((ratio, heat["problem"]))
        if each:
            best.append((min(each.values()), heat["problem"], min(each, key=each.get)))
    rows = [
        (name, len(pairs), geometric_mean([r for r, _ in pairs]), *min(pairs))
        for name, pairs in found.items()
    ]
    if best:
        rows.append(
            (
                "best of all, by an oracle",
                len(best),
                geometric_mean([b[0] for b in best]),
                *min(best)[:2],
            )
        )
    return rows, sorted(best)


def conclude(heats):
    """Print the lines that have a bar, and what misses it."""
    rows, best = summary(heats)
    print(f"\nTime to {GOAL:g} over the time of sklgd's default call; never counts as {NEVER:g}")
    for name, n, mean, least, where in rows:
        bar = 1.0 if name.startswith("best") else 3.0
        verdict = "" if mean >= bar else f"  below {bar:g}"
        print(f"  {name:30} {n:4} problems  {mean:6.2f}  least {least:5.2f} {where}{verdict}")
    for ratio, where, name in best:
        if ratio < 0.3:
            print(f"  below 0.3: {ratio:.2f} {where} against {name}")
    for heat in heats:
        default = heat["default"]
        if default["relative"] > GOAL:
            print(f"  above {GOAL:g}: {default['relative']:.1e} {heat['problem']}")
        if default["excess"] > 10 * GOAL:
            print(f"  above 10 tol: {default['excess']:.1e} {heat['problem']}")
        if default["warnings"]:
            print(f"  warns: {heat['problem']}: {default['warnings'][0]}")


def rst(heats):
    """Return the tables of the documentation page."""
    rows, _ = summary(heats)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        _compare.environment()
    here = [line for line in printed.getvalue().splitlines() if not line.startswith("command")]
    commands = dict.fromkeys(f"command      {heat['command']}" for heat in heats)
    lines = [
        "::",
        "",
        *(f"    {line}" for line in (*commands, *here)),
        "",
        ".. list-table:: Time to 1e-3 over the time of sklgd's default call",
        "   :header-rows: 1",
        "",
        "   * - Competitor",
        "     - Problems",
        "     - Geometric mean",
        "     - Least",
        "     - On",
    ]
    for name, n, mean, least, where in rows:
        lines += [f"   * - {name}", f"     - {n}", f"     - {mean:.1f}", f"     - {least:.2f}"]
        lines += [f"     - {where}"]
    lines += [
        "",
        ".. list-table:: Milliseconds to 1e-3, problem by problem",
        "   :header-rows: 1",
        "",
        "   * - Problem",
        "     - Rows x features",
        "     - ``optimizer_``",
        "     - sklgd default",
        "     - Ends at",
        "     - Best other",
        "     - Who",
    ]
    for heat in heats:
        others = {k: v for k, v in heat["paces"].items() if not k.startswith("sklgd")}
        who = min(others, key=others.get) if others else ""
        least = others.get(who, math.inf)
        lines += [
            f"   * - {heat['problem']}",
            f"     - {heat['shape'][0]} x {heat['shape'][1]}",
            f"     - {heat['default']['optimizer']}",
            f"     - {1e3 * heat['paces']['sklgd default']:.1f}",
            f"     - {max(heat['default']['relative'], 0.0):.0e}",
            f"     - {1e3 * least:.1f}" if least < math.inf else "     - never",
            f"     - {who if least < math.inf else ''}",
        ]
    return "\n".join(lines)


def main():
    """Run the heats, print them, and sum up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=os.environ.get("SKLGD_DATA"), help="folder of load.py")
    parser.add_argument("--threads", type=int, default=_compare.THREADS)
    parser.add_argument("--problems", default="", help="regular expression of names to run")
    parser.add_argument("--skip", default="^$", help="regular expression of names not to run")
    parser.add_argument("--alphas", default="1e-4,1e-6")
    parser.add_argument("--only", default="", help="regular expression of competitors")
    parser.add_argument(
        "--give-up",
        type=float,
        default=1.2 * NEVER,
        help="ladders end at so many times sklgd's time",
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=math.inf, help="begin no heat after")
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--cache", default=os.path.expanduser("~/.cache/sklgd-race.json"))
    parser.add_argument("--results", help="JSON file to add the heats to")
    parser.add_argument("--rst", action="store_true", help="print the tables of the documentation")
    args = parser.parse_args()
    results = load_results(args.results)
    if not args.rst:
        _compare.environment()
        race(args, results)
        conclude(list(results.values()))
    else:
        print(rst(list(results.values())))


def load_results(path):
    """Return problem -> heat of an earlier run."""
    if not path or not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        return {heat["problem"]: heat for heat in json.load(file)}


def race(args, results):
    """Run what is asked for; write each heat into ``results``."""
    os.makedirs(os.path.dirname(args.cache) or ".", exist_ok=True)
    cache, started = Cache(args.cache), time.perf_counter()
    wanted, skipped = re.compile(args.problems), re.compile(args.skip)
    alphas = tuple(map(float, args.alphas.split(",")))
    field = [each for each in competitors() if re.search(args.only, each.name)]

    def is_wanted(name):
        return bool(wanted.search(name)) and not skipped.search(name)

    for problem in problems(args.data, alphas=alphas, wanted=is_wanted):
        if time.perf_counter() - started > 60.0 * args.minutes:
            print(f"\nNo time for {problem.name} and what follows")
            break
        heat = Heat(problem, cache, args).run(field)
        results[problem.name] = heat
        show(heat)
        if args.results:
            with open(args.results, "w", encoding="utf-8") as file:
                json.dump(list(results.values()), file)


if __name__ == "__main__":
    main()
