"""Whether the process has been asked to stop; known from the first signal on, before anything is closed."""


class Stopping:
    """Set once, by whoever hears the signal."""

    def __init__(self) -> None:
        self.has_begun = False

    def begin(self) -> None:
        self.has_begun = True
