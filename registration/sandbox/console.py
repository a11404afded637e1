from collections.abc import Callable
from functools import partial

Tell = Callable[[str], None]
"""Says a line to whoever watches."""

print_line: Tell = partial(print, flush=True)
