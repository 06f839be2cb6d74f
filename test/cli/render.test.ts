// Proves: people see analysis and diff, in colours only where they can, and no control sequence of a stranger's code.
import { strict as assert } from 'node:assert';
import type { Answer } from '../../cli/client.js';
import { palette, renderAnswer, renderDiff } from '../../cli/render.js';
import { result } from '../server/helpers.js';

const answer: Answer = { ...result, release: { id: 'r', issue_analysis: 'a', code_generation: 'c' } };

describe('rendering', () => {
  it('shows analysis and patches', () => {
    const text = renderAnswer(answer, false);
    assert.match(text, /^Analysis, confidence 0\.50\n {2}problem {2}The last page is missing\n/);
    assert.match(text, /location pages\.py::page_count\n/);
    assert.match(text, /\n\nPatch, score 0\.60\ndiff --git /);
    assert.ok(!text.includes('\u001b'));
  });

  it('says that a patch breaks the syntax, and counts several', () => {
    const [patch] = result.patches;
    assert.ok(patch);
    const text = renderAnswer({ ...answer, patches: [patch, { ...patch, status: 'syntax_error' }] }, false);
    assert.match(text, /Patch 1 of 2, score 0\.60\n/);
    assert.match(text, /Patch 2 of 2, score 0\.60 \(the result does not parse\)\n/);
  });

  it('says why there is none', () => {
    const none: Answer = { ...answer, status: 'abstained', patches: [], analysis: null };
    assert.equal(
      renderAnswer({ ...none, abstained_because: 'nothing_to_edit' }, false),
      'No patch: the files hold no lines to edit.\n',
    );
    assert.match(renderAnswer({ ...none, abstained_because: 'low_confidence' }, false), /none is trusted/);
  });

  it('colours lines by kind', () => {
    const lines = renderDiff('--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n c\n', palette(true)).split('\n');
    assert.deepEqual(
      lines.map((line) => /^\u001b\[(\d+)m/.exec(line)?.[1]),
      ['1', '1', '36', '31', '32', undefined],
    );
  });

  it('takes control sequences out', () => {
    const text = renderDiff('+\u001b[2J\u001b]0;title\u0007x\r\u0008y\t\u009bz\n', palette(false));
    assert.ok(!/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/.test(text), JSON.stringify(text));
    assert.match(text, /\t/);
  });
});
