import unittest

from menu import Menu, MenuItem


class MenuTest(unittest.TestCase):
    def setUp(self):
        books = MenuItem("Books", "/shop/books", [MenuItem("New", "/shop/books/new")])
        self.menu = Menu([MenuItem("Home", "/"), MenuItem("Shop", "/shop", [books])])

    def test_top_level(self):
        self.assertEqual(self.menu.find("/").title, "Home")

    def test_nested(self):
        self.assertEqual(self.menu.find("/shop/books").title, "Books")
        self.assertEqual(self.menu.find("/shop/books/new").title, "New")

    def test_missing(self):
        self.assertIsNone(self.menu.find("/nowhere"))

    def test_breadcrumbs(self):
        self.assertEqual(self.menu.breadcrumbs("/shop/books/new"), ["Shop", "Books", "New"])


if __name__ == "__main__":
    unittest.main()
