MOST_DIGITS = 9


def figure(text: str | None, default: int) -> int:
    """The whole number that the text is; the default where it is none, or absurdly large."""
    if text and text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS:
        return int(text)
    return default
