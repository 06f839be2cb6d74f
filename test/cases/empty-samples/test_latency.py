import unittest

from latency import LatencyRecorder


class LatencyRecorderTest(unittest.TestCase):
    def setUp(self):
        self.recorder = LatencyRecorder()

    def test_no_samples(self):
        self.assertEqual(self.recorder.mean("/empty"), 0.0)
        self.assertEqual(self.recorder.percentile("/empty", 0.5), 0.0)

    def test_report_without_traffic(self):
        self.assertEqual(self.recorder.report(["/empty"]), "/empty: mean 0.0 ms, p95 0.0 ms")

    def test_mean(self):
        for value in (10, 20, 60):
            self.recorder.record("/", value)
        self.assertEqual(self.recorder.mean("/"), 30.0)
        self.assertEqual(self.recorder.percentile("/", 0.95), 60.0)


if __name__ == "__main__":
    unittest.main()
