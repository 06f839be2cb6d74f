// The question of the loop is one the agent has not learnt from; its answer is compared line by line.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { heldOutRequest } from '../../training/loop/held-out-request.js';
import { sharedLines } from '../../training/loop/shared-lines.js';

const rows = (...ids: string[]): Parameters<typeof heldOutRequest>[1] => ({
  rows: { train: 1, valid: 1, held_out: 1, dropped: ids.map((id) => ({ id, reason: 'not_json' as const })) },
});

describe('held-out request', () => {
  let folder: string;
  let file: string;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'question-'));
    file = path.join(folder, 'rows.jsonl');
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('is the last row that could be used', async () => {
    const row = (title: string): string => JSON.stringify({ issue: `${title}\n\nBody.`, files: [], patch: title });
    await writeFile(file, `${row('first')}\n\n${row('second')}\n${row('third')}\n{\n\n`);
    const { request, patch } = await heldOutRequest(file, rows('rows.jsonl:4', 'rows.jsonl:5'));
    assert.deepEqual(request, { issue: { title: 'second', body: 'Body.' }, files: [], min_score: 0 });
    assert.equal(patch, 'second');
  });

  it('cannot be made of tokens', async () => {
    await writeFile(file, '{"source_ids": [1], "analysis_ids": [], "patch_ids": [2]}\n');
    await assert.rejects(heldOutRequest(file, rows()), /the last row is tokens/);
  });
});

describe('shared lines', () => {
  const diff = (...lines: string[]): string => `--- a/x\n+++ b/x\n@@ -1,9 +1,9 @@\n${lines.join('\n')}\n`;

  it('count removed and added lines of both, headers and context not', () => {
    const right = diff(' a', '-b', '+c');
    assert.equal(sharedLines(diff(' other', '-b', '+c  '), right), 1);
    assert.equal(sharedLines(diff('-b', '+d'), right), 0.5);
    assert.equal(sharedLines(diff('-b', '-b'), right), 0.5);
    assert.equal(sharedLines(diff('-x'), right), 0);
    assert.equal(sharedLines('', ''), 0);
  });
});
