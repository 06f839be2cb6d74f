"""What training rows are made of, and the variants whose effect `data_effects.py` measures."""
from dataclasses import dataclass

from protocol import WINDOW_LINES

# The kinds that bug injection usually begins with.
SIMPLE_KINDS = frozenset(("comparison", "boolean", "negation", "constant", "arithmetic", "index", "wrong variable", "wrong attribute", "wrong method"))


@dataclass(frozen=True)
class Recipe:
    """Shares of a record's uses in one pass, and how its rows are made. The defaults are what the released backbone learnt from."""

    # Chance that a record gives its edit: of repairs and of other commits.
    fixes: float = 1.0
    others: float = 0.75
    # Chance that it gives an injected bug.
    injected: float = 0.5
    # Kinds of injected bugs; None for all that inject.py knows.
    kinds: frozenset[str] | None = None
    # Whether issues of injected bugs say what goes wrong; without it they only name the function.
    described: bool = True
    # Share of issues of injected bugs that are written from the docstring and a call that fails.
    specified: float = 0.0
    window_lines: int = WINDOW_LINES
    max_edits: int | None = None


RECIPES: dict[str, Recipe] = {
    "released": Recipe(),
    "fixes not preferred": Recipe(fixes=0.85, others=0.85),
    "no injected bugs": Recipe(injected=0.0),
    "injected bugs twice as often": Recipe(injected=1.0),
    "nine simple kinds of bugs only": Recipe(kinds=SIMPLE_KINDS),
    "issues that only name the function": Recipe(described=False),
    "issues from docstrings": Recipe(specified=0.3),
    "windows of 40 lines": Recipe(window_lines=40),
    "one edit a row": Recipe(max_edits=1),
}
