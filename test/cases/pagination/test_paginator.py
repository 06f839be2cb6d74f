import unittest

from paginator import PageOutOfRange, Paginator


class PaginatorTest(unittest.TestCase):
    def test_last_partial_page(self):
        paginator = Paginator(range(21), 10)
        self.assertEqual(paginator.page_count, 3)
        self.assertEqual(paginator.page(3).items, [20])
        self.assertFalse(paginator.page(3).has_next)

    def test_full_pages(self):
        paginator = Paginator(range(20), 10)
        self.assertEqual(paginator.page_count, 2)
        self.assertRaises(PageOutOfRange, paginator.page, 3)

    def test_fewer_than_a_page(self):
        self.assertEqual(Paginator([1], 10).page_count, 1)
        self.assertEqual(Paginator([], 10).page_count, 1)

    def test_every_item_is_on_one_page(self):
        for count in range(35):
            pages = Paginator(range(count), 7)
            self.assertEqual([item for page in pages for item in page.items], list(range(count)))


if __name__ == "__main__":
    unittest.main()
