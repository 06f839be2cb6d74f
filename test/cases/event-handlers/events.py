"""Events with handlers that are called in the order of their priority."""

import logging

logger = logging.getLogger(__name__)


class Event:
    """Something that happens; handlers are called with its arguments."""

    def __init__(self, name, handlers=[]):
        self.name = name
        self._handlers = handlers

    def subscribe(self, handler, priority=0):
        """Adds a handler; a higher priority is called earlier."""
        self._handlers.append((priority, handler))
        self._handlers.sort(key=lambda entry: -entry[0])
        return handler

    def unsubscribe(self, handler):
        """Removes a handler; does nothing if it is not there."""
        for entry in list(self._handlers):
            if entry[1] is handler:
                self._handlers.remove(entry)

    def fire(self, *args, **kwargs):
        """Calls all handlers and returns their results; a handler that raises is logged and left out."""
        results = []
        for _, handler in list(self._handlers):
            try:
                results.append(handler(*args, **kwargs))
            except Exception:
                logger.exception("handler of %s failed", self.name)
        return results

    def __len__(self):
        return len(self._handlers)

    def __repr__(self):
        return f"<Event {self.name}: {len(self)} handlers>"
