"""Collects latencies of requests and summarises them."""

import math
from collections import defaultdict


class LatencyRecorder:
    """Latencies in milliseconds, by endpoint."""

    def __init__(self):
        self._samples = defaultdict(list)

    def record(self, endpoint, milliseconds):
        if milliseconds < 0:
            raise ValueError("a latency cannot be negative")
        self._samples[endpoint].append(milliseconds)

    def samples(self, endpoint):
        return list(self._samples.get(endpoint, ()))

    def mean(self, endpoint):
        """Mean latency; 0.0 when nothing was recorded."""
        samples = self.samples(endpoint)
        return sum(samples) / len(samples)

    def percentile(self, endpoint, fraction):
        """Latency below which `fraction` of the requests stay; 0.0 when nothing was recorded."""
        samples = sorted(self.samples(endpoint))
        if not samples:
            return 0.0
        rank = max(0, math.ceil(fraction * len(samples)) - 1)
        return float(samples[rank])

    def report(self, endpoints):
        """One line for each endpoint."""
        lines = []
        for endpoint in endpoints:
            mean = self.mean(endpoint)
            p95 = self.percentile(endpoint, 0.95)
            lines.append(f"{endpoint}: mean {mean:.1f} ms, p95 {p95:.1f} ms")
        return "\n".join(lines)
