import unittest

from settings import lookup, merge


class MergeTest(unittest.TestCase):
    def test_top_level(self):
        self.assertEqual(merge({"a": 1}, {"a": 2, "b": 3}), {"a": 2, "b": 3})

    def test_nested_override_wins(self):
        merged = merge({"db": {"host": "a", "port": 1}}, {"db": {"port": 2}})
        self.assertEqual(merged, {"db": {"host": "a", "port": 2}})

    def test_deeper(self):
        merged = merge({"a": {"b": {"c": 1, "d": 1}}}, {"a": {"b": {"c": 2}, "e": 3}})
        self.assertEqual(merged, {"a": {"b": {"c": 2, "d": 1}, "e": 3}})
        self.assertEqual(lookup(merged, "a.b.c"), 2)

    def test_base_is_not_changed(self):
        base = {"a": {"b": 1}}
        merge(base, {"a": {"b": 2}})
        self.assertEqual(base, {"a": {"b": 1}})


if __name__ == "__main__":
    unittest.main()
