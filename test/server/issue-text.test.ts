// Proves: issue and files are found in a chat message as people and editors write them, and an answer's patch can be taken out of its fence.
import { strict as assert } from 'node:assert';
import { answerText } from '../../server/openai/answer-text.js';
import { readIssueText } from '../../server/openai/issue-text.js';
import { result } from './helpers.js';

describe('issue text', () => {
  const code = 'def f():\n    pass\n';
  const openings = [
    '```python a/f.py',
    '```a/f.py',
    '```python:a/f.py',
    '```python title="a/f.py"',
    '~~~ a/f.py',
    'a/f.py\n```python',
    '`a/f.py`:\n\n```python',
    '**a/f.py**\n```',
    '### File: a/f.py\n````',
  ];
  for (const opening of openings) {
    it(`finds the file after ${JSON.stringify(opening)}`, () => {
      const fence = /[`~]{3,}/.exec(opening)?.[0] ?? '';
      const text = `It fails\n\nAlways.\n\n${opening}\n${code}${fence}\n`;
      assert.deepEqual(readIssueText(text), {
        issue: 'It fails\n\nAlways.',
        files: [{ path: 'a/f.py', content: code }],
      });
    });
  }

  it('leaves code without a path in the issue, and reads several files in their order', () => {
    const text = 'It fails\n```\nTraceback\n```\n```py a.py\nx\n```\nand\n```py b.py\n\n```\nEnd.';
    assert.deepEqual(readIssueText(text), {
      issue: 'It fails\n```\nTraceback\n```\nand\nEnd.',
      files: [
        { path: 'a.py', content: 'x\n' },
        { path: 'b.py', content: '\n' },
      ],
    });
  });

  it('does not end a block at a shorter fence, and takes one that is never closed', () => {
    const text = 'It fails\n````md a.md\n```\nx\n```\n````\n```py b.py\ny';
    assert.deepEqual(readIssueText(text).files, [
      { path: 'a.md', content: '```\nx\n```\n' },
      { path: 'b.py', content: 'y\n' },
    ]);
  });

  it('passes paths on that may not be used, so that they are refused and not overlooked', () => {
    assert.equal(readIssueText('x\n```../a.py\n```').files[0]?.path, '../a.py');
    assert.equal(readIssueText('x\n```/etc/passwd\n```').files[0]?.path, '/etc/passwd');
  });

  it('reads hostile megabytes in time that grows with their length', () => {
    const many = 2 ** 20;
    const file = '\n```a.py\nx\n```';
    for (const hostile of [
      `${'~'.repeat(many)}\``,
      `\`\`\`${' '.repeat(many)}\``,
      `a${' '.repeat(many)}b`,
      `\`\`\`\n${'x\n'.repeat(many / 2)}\`\`\``,
      '```title="'.repeat(many / 8),
    ]) {
      assert.equal(readIssueText(`x${file}\n${hostile}`).files[0]?.path, 'a.py');
    }
  });

  it('refuses a text without files', () => {
    for (const text of ['', 'It fails', 'It fails\n```python\nx\n```']) {
      assert.throws(() => readIssueText(text), { code: 'invalid_request' });
    }
  });
});

describe('answer text', () => {
  it('lists the analysis and fences the patch, whatever the patch holds', () => {
    const diff = '--- a/a.md\n+++ b/a.md\n@@ -1 +1 @@\n-````\n+```\n';
    const [analysis, patch] = answerText({ ...result, patches: [{ ...result.patches[0]!, diff }] });
    assert.match(analysis ?? '', /^- \*\*Problem\*\*: The last page is missing\n/);
    assert.equal(patch, `\`\`\`\`\`diff\n${diff}\`\`\`\`\`\n`);
  });

  it('says that there is none, and why', () => {
    const parts = answerText({ ...result, analysis: null, patches: [], abstained_because: 'low_confidence' });
    assert.deepEqual(parts, ['No patch is proposed (low_confidence).\n']);
  });
});
