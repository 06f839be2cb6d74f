import unittest

from permissions import Document, User, can_delete, can_edit, can_read


class PermissionsTest(unittest.TestCase):
    def setUp(self):
        self.document = Document("Plan", owner="ann", editors={"bob"}, readers={"cid"})

    def test_authors_edit(self):
        self.assertTrue(can_edit(User("ann"), self.document))
        self.assertTrue(can_edit(User("bob"), self.document))

    def test_strangers_do_not_edit(self):
        self.assertFalse(can_edit(User("cid"), self.document))
        self.assertFalse(can_edit(User("eve"), self.document))

    def test_locked(self):
        self.document.is_locked = True
        self.assertFalse(can_edit(User("ann"), self.document))
        self.assertTrue(can_edit(User("root", is_admin=True), self.document))

    def test_inactive(self):
        self.assertFalse(can_edit(User("ann", is_active=False), self.document))

    def test_read_and_delete(self):
        self.assertTrue(can_read(User("cid"), self.document))
        self.assertFalse(can_read(User("eve"), self.document))
        self.assertFalse(can_delete(User("bob"), self.document))


if __name__ == "__main__":
    unittest.main()
