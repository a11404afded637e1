"""What `make`, the tests and the benchmark share. What `make run` needs is the standard library only."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 an older Python gets this far, and deserves a plain word
    sys.exit("Python 3.11 or later is needed; name one, as in: make PYTHON=python3.12 run")
