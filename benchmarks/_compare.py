"""Timing side by side: import this before NumPy, since it fixes the number of threads.

A benchmark times its candidates in turn, A B A B ..., and compares them pair by pair, so that a
change of the machine's speed during the run moves both sides of a ratio.
"""

import argparse
import os
import platform
import statistics
import sys
import time
from importlib.metadata import PackageNotFoundError, version


def _threads():
    # read here because the environment must be set before NumPy is imported
    for at, argument in enumerate(sys.argv):
        if argument == "--threads":
            return int(sys.argv[at + 1])
        if argument.startswith("--threads="):
            return int(argument.partition("=")[2])
    return int(os.environ.get("OMP_NUM_THREADS") or 1)


THREADS = _threads()
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = str(THREADS)

try:
    import numpy  # noqa: F401  (its BLAS has to be loaded to be limited)
    from threadpoolctl import threadpool_limits

    threadpool_limits(THREADS)
except ImportError:
    pass


def interleaved(callables, *, repeats=5, warmup=1, clock=time.perf_counter):
    """Time callables in turn.

    Parameters
    ----------
    callables : dict of str to callable
        What to time, in this order in every round.
    repeats : int, default=5
        Rounds that count.
    warmup : int, default=1
        Rounds before them that do not.
    clock : callable, default=time.perf_counter
        What tells the seconds.

    Returns
    -------
    dict of str to list of float
        Seconds of each round.
    """
    times = {name: [] for name in callables}
    for turn in range(warmup + repeats):
        for name, call in callables.items():
            start = clock()
            call()
            seconds = clock() - start
            if turn >= warmup:
                times[name].append(seconds)
    return times


def ratios(times, name, against):
    """Return ``times[against] / times[name]`` round by round; nan where nothing was measured."""
    pairs = zip(times[against], times[name], strict=True)
    return [theirs / mine if mine > 0 else float("nan") for theirs, mine in pairs]


def report(title, times, *, against, unit="s"):
    """Print median, min and max of each name, and how many times faster than ``against`` it is."""
    scale = {"s": 1.0, "ms": 1e3}[unit]
    width = max(map(len, times))
    print(f"\n{title}")
    for name, values in times.items():
        low, mid, high = (scale * f(values) for f in (min, statistics.median, max))
        line = f"  {name:{width}}  median {mid:9.3f} {unit}  [{low:.3f}, {high:.3f}]"
        if name != against:
            r = ratios(times, name, against)
            line += f"  {statistics.median(r):6.2f} x {against}'s speed"
            line += f"  [{min(r):.2f}, {max(r):.2f}]"
        print(line, flush=True)


def arguments(description, *, repeats):
    """Read ``--repeats`` and ``--threads``, and print what `environment` prints."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--repeats", type=int, default=repeats)
    parser.add_argument("--threads", type=int, help="threads of BLAS and OpenMP")
    args = parser.parse_args()
    environment()
    return args


def environment():
    """Print the machine, the versions, the threads and the command line."""
    print("command     ", " ".join(sys.argv))
    print("machine     ", f"{_cpu()}, {os.cpu_count()} cores, {platform.platform()}")
    print("threads     ", THREADS)
    print("python      ", platform.python_version())
    for name in ("numpy", "scipy", "scikit-learn", "sklgd"):
        print(f"{name:<12}", _version(name), flush=True)


def _cpu():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _version(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
