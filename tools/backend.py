"""meson-python, with an editable install that outlives the environment it was built in.

An editable package runs ninja at each import, by the path it had at build time.  Under build
isolation that path, Cython's and meson's are gone by then, and the import fails.  So ninja is
called through a script that rebuilds while those tools exist, and otherwise imports what was
built, or says so when the compiled sources have changed since.
"""

import os
import shlex
import shutil
import sys
from pathlib import Path

import mesonpy
from mesonpy import *  # noqa: F403  (the other hooks)

ROOT = Path(__file__).resolve().parent.parent

SCRIPT = """\
#!/bin/sh
if [ -x {ninja} ] && [ -x {tools}/cython ]; then
    PATH={tools}:$PATH exec {ninja} "$@"  # the rules of the build say just "cython"
fi
changed=$(find {root}/sklgd {root}/meson.build -newer .ninja_log \\
    \\( -name '*.p[yx][xd]' -o -name '*.[ch]' -o -name meson.build \\))
[ -z "$changed" ] && exit 0
echo "FAILED: sklgd"  # meson-python shows what follows this word
echo "Newer than the installed build:" $changed
echo "Run 'pip install -e .' again. With meson-python, Cython and ninja installed,"
echo "'pip install --no-build-isolation -e .' rebuilds by itself at import."
exit 1
"""


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    """Build the editable wheel with a ninja that will still be there at import."""
    ninja = shutil.which(os.environ.get("NINJA", "ninja")) or shutil.which("ninja-build")
    cython = shutil.which("cython")
    if sys.platform != "win32" and ninja and cython:
        script = ROOT / "build" / f"ninja-{sys.implementation.cache_tag}"
        script.parent.mkdir(exist_ok=True)
        paths = {"ninja": ninja, "tools": Path(cython).parent, "root": ROOT}
        script.write_text(SCRIPT.format(**{k: shlex.quote(str(v)) for k, v in paths.items()}))
        script.chmod(0o755)
        os.environ["NINJA"] = str(script)
    return mesonpy.build_editable(wheel_directory, config_settings, metadata_directory)
