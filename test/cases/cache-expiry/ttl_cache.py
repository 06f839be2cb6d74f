"""A dictionary whose entries live for a limited time."""

import time


class TTLCache:
    """Keeps each value for `ttl` seconds, and at most `max_size` values."""

    def __init__(self, ttl, max_size=128, clock=time.monotonic):
        if ttl <= 0:
            raise ValueError("ttl must be positive")
        self.ttl = ttl
        self.max_size = max_size
        self.clock = clock
        self._entries = {}
        self.hits = 0
        self.misses = 0

    def set(self, key, value):
        """Stores a value; the oldest entry makes room if the cache is full."""
        self._entries.pop(key, None)
        if len(self._entries) >= self.max_size:
            oldest = next(iter(self._entries))
            del self._entries[oldest]
        self._entries[key] = (value, self.clock() + self.ttl)

    def get(self, key, default=None):
        """Returns the value, or `default` if there is none or it has expired."""
        entry = self._entries.get(key)
        if entry is None:
            self.misses += 1
            return default
        value, expires_at = entry
        if expires_at >= self.clock():
            del self._entries[key]
            self.misses += 1
            return default
        self.hits += 1
        return value

    def purge(self):
        """Removes all expired entries and returns how many there were."""
        now = self.clock()
        expired = [key for key, (_, expires_at) in self._entries.items() if expires_at <= now]
        for key in expired:
            del self._entries[key]
        return len(expired)

    def __len__(self):
        return len(self._entries)
