"""Cuts lists of results into numbered pages."""

from dataclasses import dataclass


class PageOutOfRange(ValueError):
    """The page does not exist."""


@dataclass(frozen=True)
class Page:
    """One page of results; numbers start at 1."""

    number: int
    items: list
    has_previous: bool
    has_next: bool


class Paginator:
    """Serves the pages of a sequence."""

    def __init__(self, items, page_size=10):
        if page_size < 1:
            raise ValueError("page_size must be at least 1")
        self.items = list(items)
        self.page_size = page_size

    @property
    def page_count(self):
        """Number of pages; an empty list has one empty page."""
        if not self.items:
            return 1
        return len(self.items) // self.page_size

    def page(self, number):
        """Returns page `number`, or raises PageOutOfRange."""
        if number < 1 or number > self.page_count:
            raise PageOutOfRange(f"page {number} of {self.page_count}")
        start = (number - 1) * self.page_size
        end = start + self.page_size
        return Page(
            number=number,
            items=self.items[start:end],
            has_previous=number > 1,
            has_next=number < self.page_count,
        )

    def __iter__(self):
        for number in range(1, self.page_count + 1):
            yield self.page(number)
