"""Texts of the API made fit to be shown."""


def printable(text: str) -> str:
    r"""Return a text of the API as it may be shown, on a terminal or a page.

    What is not printable could move the cursor, recolour or retitle the terminal, or turn the
    direction of writing: it is shown by its escape, such as `\x1b`.
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else _escaped(one) for one in text)


def _escaped(one: str) -> str:
    return one.encode("unicode_escape").decode("ascii")
