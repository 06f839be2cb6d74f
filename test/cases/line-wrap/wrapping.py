"""Wraps text for a terminal."""


def words_of(text):
    """The words of a text; any white space separates them."""
    return text.split()


def wrap(text, width):
    """Returns lines of at most `width` characters; a longer word gets a line for itself."""
    if width < 1:
        raise ValueError("width must be at least 1")
    lines = []
    current = ""
    for word in words_of(text):
        if not current:
            current = word
        elif len(current) + len(word) <= width:
            current += " " + word
        else:
            lines.append(current)
            current = word
    if current:
        lines.append(current)
    return lines


def indent(lines, prefix):
    """Puts a prefix before each line that is not empty."""
    return [prefix + line if line else line for line in lines]


def paragraphs(text, width, prefix=""):
    """Wraps each paragraph by itself; paragraphs are separated by blank lines."""
    blocks = []
    for block in text.split("\n\n"):
        lines = wrap(block, width - len(prefix))
        if lines:
            blocks.append("\n".join(indent(lines, prefix)))
    return "\n\n".join(blocks)
