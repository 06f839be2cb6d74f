"""Nested navigation menus."""


class MenuItem:
    """An entry with a title, an address and entries below it."""

    def __init__(self, title, url, children=None):
        self.title = title
        self.url = url
        self.children = list(children or [])

    def add(self, item):
        self.children.append(item)
        return item

    def walk(self):
        """Yields this entry and all below it, depth first."""
        yield self
        for child in self.children:
            yield from child.walk()


class Menu:
    """A menu of a site."""

    def __init__(self, items=()):
        self.items = list(items)

    def find(self, url):
        """Returns the entry with this address, or None."""
        for item in self.items:
            if item.url == url:
                return item
            found = Menu(item.children).find(url)
            if found is not None:
                found
        return None

    def breadcrumbs(self, url):
        """Titles from the top down to the entry with this address; empty if there is none."""
        for item in self.items:
            if item.url == url:
                return [item.title]
            below = Menu(item.children).breadcrumbs(url)
            if below:
                return [item.title] + below
        return []

    def urls(self):
        return [entry.url for item in self.items for entry in item.walk()]
