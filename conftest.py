"""The tests run against the installed package.

``python -m pytest`` puts this folder first on ``sys.path``, where ``sklgd/`` holds the sources
without their compiled modules; an editable install is found through its own finder.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != ROOT]
os.environ["PYTHONSAFEPATH"] = "1"  # the same for the processes that tests start
