"""How long a test waits for what must come.

A machine that is busy otherwise stalls for ten seconds at times; what is still missing after this long hangs. How fast
things are is no matter of tests: tests/benchmarks and tests/harness measure it, against a yardstick of the same run.
"""

from typing import Final

PATIENCE: Final = 120.0
"""Seconds."""
