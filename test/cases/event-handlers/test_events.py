import logging
import unittest

from events import Event

logging.disable(logging.CRITICAL)


class EventTest(unittest.TestCase):
    def test_events_are_independent(self):
        saved, deleted = Event("saved"), Event("deleted")
        saved.subscribe(lambda: "saved")
        self.assertEqual(len(deleted), 0)
        self.assertEqual(deleted.fire(), [])
        self.assertEqual(saved.fire(), ["saved"])

    def test_priority(self):
        event = Event("e")
        event.subscribe(lambda: 1)
        event.subscribe(lambda: 2, priority=5)
        self.assertEqual(event.fire(), [2, 1])

    def test_given_handlers(self):
        self.assertEqual(Event("e", [(0, lambda: 3)]).fire(), [3])

    def test_unsubscribe(self):
        event = Event("e")
        handler = event.subscribe(lambda: 1)
        event.unsubscribe(handler)
        self.assertEqual(event.fire(), [])


if __name__ == "__main__":
    unittest.main()
