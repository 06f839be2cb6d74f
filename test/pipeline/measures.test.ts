/** What is measured beside an answer: how the agents worked, and whether analysis and patch speak of the same. */
import assert from 'node:assert/strict';
import { lexicalOverlap } from '../../pipeline/measures.js';
import { createPatches } from '../../pipeline/pipeline.js';
import type { Measures, PipelineEvent } from '../../pipeline/types.js';
import { tinyEngine } from './tiny-engine.js';

const analysis = {
  problem: 'The last page is missing',
  fault_type: 'wrong operator',
  fault_location: 'pages.py::page_count',
  line: 'return total // size',
  hint: 'round up',
  confidence: 0.5,
};

describe('measures', () => {
  it('overlap is the share of the words of the changed lines that the analysis names', () => {
    const diff =
      '--- a/pages.py\n+++ b/pages.py\n@@ -1,2 +1,2 @@\n def unrelated():\n-return total // size\n+return ceil(total)\n';
    // return, total, size of return, total, size, ceil.
    assert.equal(lexicalOverlap(analysis, diff), 0.75);
    assert.equal(lexicalOverlap(analysis, '@@ -1 +1 @@\n-(\n+)\n'), null);
  });

  it('are taken of both agents, and the answer is the same without', async () => {
    const engine = await tinyEngine();
    try {
      const request = {
        issue: { title: 'mean() is wrong', body: '' },
        files: [{ path: 'stats.py', content: 'def mean(values):\n    return sum(values) * len(values)\n' }],
      };
      const options = { abstainBelow: 0, keepAbove: 0 };
      const taken: Measures[] = [];
      const texts = { analysis: 0, code: 0 };
      const onEvent = (event: PipelineEvent): void => {
        if (event.type === 'text' && event.stage !== 'completion') texts[event.stage]++;
      };
      const result = await createPatches(engine, request, { options, onEvent, onMeasures: (one) => taken.push(one) });
      const [measures, ...others] = taken;
      assert.deepEqual(others, []);
      for (const agent of ['analysis', 'code'] as const) {
        const { first_text_ms, gaps_ms, mean_logprob, gate_mean, runs, sequences } = measures![agent];
        assert.ok(first_text_ms !== null && first_text_ms <= result.timings.total);
        assert.equal(gaps_ms.length, texts[agent] - 1);
        assert.ok(gaps_ms.every((gap) => gap >= 0));
        assert.ok(mean_logprob !== null && mean_logprob <= 0);
        assert.ok(gate_mean !== null && gate_mean > 0 && gate_mean < 1);
        assert.ok(runs > 0 && sequences >= runs);
      }
      assert.equal(measures!.overlap, lexicalOverlap(result.patches[0]!.analysis, result.patches[0]!.diff));
      const again = await createPatches(engine, request, { options });
      assert.deepEqual([again.patches, again.analysis], [result.patches, result.analysis]);
    } finally {
      await engine.close();
    }
  });

  it('are empty when there is nothing to edit', async () => {
    const engine = await tinyEngine();
    try {
      let measures: Measures | undefined;
      await createPatches(
        engine,
        { issue: { title: 'x', body: '' }, files: [] },
        { onMeasures: (one) => (measures = one) },
      );
      const nothing = { first_text_ms: null, gaps_ms: [], mean_logprob: null, gate_mean: null, runs: 0, sequences: 0 };
      assert.deepEqual(measures, { analysis: nothing, code: nothing, overlap: null });
    } finally {
      await engine.close();
    }
  });
});
