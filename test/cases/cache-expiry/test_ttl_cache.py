import unittest

from ttl_cache import TTLCache


class TTLCacheTest(unittest.TestCase):
    def setUp(self):
        self.now = 100.0
        self.cache = TTLCache(ttl=60, max_size=2, clock=lambda: self.now)

    def test_fresh_entry_is_returned(self):
        self.cache.set("a", 1)
        self.now += 59
        self.assertEqual(self.cache.get("a"), 1)
        self.assertEqual(self.cache.hits, 1)

    def test_expired_entry_is_dropped(self):
        self.cache.set("a", 1)
        self.now += 61
        self.assertIsNone(self.cache.get("a"))
        self.assertEqual(len(self.cache), 0)

    def test_purge(self):
        self.cache.set("a", 1)
        self.now += 61
        self.cache.set("b", 2)
        self.assertEqual(self.cache.purge(), 1)
        self.assertEqual(self.cache.get("b"), 2)

    def test_oldest_makes_room(self):
        for key in "abc":
            self.cache.set(key, key)
        self.assertIsNone(self.cache.get("a"))
        self.assertEqual(self.cache.get("c"), "c")


if __name__ == "__main__":
    unittest.main()
