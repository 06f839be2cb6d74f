import unittest

from wrapping import paragraphs, wrap


class WrapTest(unittest.TestCase):
    def test_space_counts(self):
        self.assertEqual(wrap("aaaa bbbb", 8), ["aaaa", "bbbb"])
        self.assertEqual(wrap("aaaa bbbb", 9), ["aaaa bbbb"])

    def test_no_line_is_too_long(self):
        text = "the quick brown fox jumps over the lazy dog " * 3
        for width in range(5, 40):
            lines = wrap(text, width)
            self.assertLessEqual(max(map(len, lines)), width)
            self.assertEqual(" ".join(lines), text.strip())

    def test_long_word(self):
        self.assertEqual(wrap("a extraordinary b", 5), ["a", "extraordinary", "b"])

    def test_paragraphs(self):
        self.assertEqual(paragraphs("a b\n\nc", 4, "  "), "  a\n  b\n\n  c")


if __name__ == "__main__":
    unittest.main()
