"""The one part that is compiled: see chimed_datasets/loops. All else stands in setup.cfg.

Without a compiler the package installs as well; it then works in NumPy, with the same results.
"""

import sys
import sysconfig
import zlib
from pathlib import Path

from setuptools import Extension, setup

SOURCE = Path("chimed_datasets", "loops", "loops.c")
# The library knows nothing of Python: one wheel serves all versions, but for those without a lock.
ANY = not sysconfig.get_config_var("Py_GIL_DISABLED")

setup(
    ext_modules=[
        Extension(
            "chimed_datasets.loops._compiled",
            [SOURCE.as_posix()],
            # So that a library of other sources, left over in a checkout, is not used.
            define_macros=[("LOOPS_SOURCE", f"{zlib.crc32(SOURCE.read_bytes())}u")],
            extra_compile_args=["/O2"] if sys.platform == "win32" else ["-O3", "-std=c11"],
            optional=True,
            py_limited_api=ANY,
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if ANY else {},
)
