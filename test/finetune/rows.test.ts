// Edits become the rows that training makes of them; what cannot is left out and named.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readConfig, type ModelConfig } from '../../model/config.js';
import { loadTokenizer, type Tokenizer } from '../../model/tokenizer.js';
import { unifiedDiff } from '../../pipeline/unified-diff.js';
import { readRows, type ReadRows } from '../../training/finetune/rows.js';
import { sequencesOf, targetBytes } from '../../training/finetune/sequences.js';
import { splitRows } from '../../training/finetune/split.js';
import { ROOT, TINY_DIRECTORY } from '../helpers/tiny.js';
import { tinyRows } from './tiny-rows.js';

interface ProtocolRow {
  readonly title: string;
  readonly body: string;
  readonly path: string;
  readonly heading: string;
  readonly lines: readonly string[];
  readonly after: readonly string[];
  readonly source: readonly number[];
  readonly patch: readonly number[];
}

const BEFORE = 'def add(a, b):\n    c = a - b\n    return c\n';
const AFTER = BEFORE.replace('-', '+');
const EDIT = {
  issue: 'add subtracts\n\nadd(1, 2) gives -1.',
  files: [{ path: 'lib/sum.py', content: BEFORE }],
  patch: unifiedDiff('lib/sum.py', BEFORE, AFTER),
};

describe('training rows', () => {
  let folder: string;
  let config: ModelConfig;
  let tokenizer: Tokenizer;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'rows-'));
    config = await readConfig(TINY_DIRECTORY);
    tokenizer = await loadTokenizer(path.join(TINY_DIRECTORY, config.files.tokenizer), config);
  });
  after(() => rm(folder, { recursive: true }));

  async function read(...lines: unknown[]): Promise<ReadRows> {
    const file = path.join(folder, 'rows.jsonl');
    const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)));
    await writeFile(file, text.join('\n'));
    return readRows(file, config, tokenizer);
  }

  it('are made from an issue, files and a diff', async () => {
    const { rows, dropped } = await read(EDIT);
    assert.deepEqual(dropped, []);
    assert.equal(
      tokenizer.decode(rows[0]!.sourceIds),
      `<|issue|>add subtracts\nadd(1, 2) gives -1.\n<|file|>lib/sum.py\n<|code|>\n${BEFORE}`,
    );
    assert.equal(tokenizer.decode(rows[0]!.patchIds), '<|del|>    c = a - b\n<|add|>    c = a + b\n');
    assert.equal(
      tokenizer.decode(rows[0]!.analysisIds),
      '<|problem|>add subtracts<|type|>wrong operator<|loc|>sum.py::add<|line|>c = a - b<|hint|>replace - with +',
      'nobody wrote one',
    );
  });

  it('take an analysis where there is one', async () => {
    const analysis = {
      problem: 'add subtracts',
      type: 'wrong operator',
      loc: 'sum.py::add',
      line: 'c = a - b',
      hint: '',
    };
    const { rows } = await read({ ...EDIT, analysis });
    assert.equal(
      tokenizer.decode(rows[0]!.analysisIds),
      '<|problem|>add subtracts<|type|>wrong operator<|loc|>sum.py::add<|line|>c = a - b<|hint|>',
    );
    assert.equal(sequencesOf(rows[0]!, 0, 'code-generation', tokenizer).length, 2);
    const analyses = sequencesOf(rows[0]!, 0, 'issue-analysis', tokenizer);
    assert.equal(analyses.length, 1);
    // What is between the symbols; a symbol is no text.
    assert.equal(targetBytes(analyses, tokenizer), 'add subtractswrong operatorsum.py::addc = a - b'.length);
  });

  it('are made from SWE-bench rows, where files are missing from the lines that the patch quotes', async () => {
    const row = { instance_id: 'a__b-1', repo: 'a/b', problem_statement: EDIT.issue, patch: EDIT.patch };
    const far = `${BEFORE}${'\n'.repeat(30)}${BEFORE.replaceAll('c', 'd')}`;
    const whole = { ...row, files: [{ path: 'lib/sum.py', content: far }] };
    const hunks = unifiedDiff('lib/sum.py', far, far.replaceAll('-', '+')).replace(/^@@.*@@$/gm, '$& def x():');
    const { rows, dropped } = await read(row, whole, { ...row, patch: hunks }, { ...row, patch: hunks + hunks });
    assert.deepEqual(dropped, [{ id: 'rows.jsonl:4', reason: 'patch_of_several_files' }]);
    const code = rows.map(({ sourceIds }) => tokenizer.decode(sourceIds).split('<|code|>\n')[1]);
    const [first, second] = [BEFORE, BEFORE.replaceAll('c', 'd')];
    assert.deepEqual(code, [first, far, `${first}\n\n\n\n${second}`]);
    assert.equal(rows[2]!.patchIds.filter((token) => token === tokenizer.special.add).length, 2);
    assert.deepEqual(
      rows.map(({ group }) => group),
      ['a__b-1', 'a__b-1', 'a__b-1'],
    );
  });

  it('are made from chat messages', async () => {
    const fence = '```';
    const asked = `add subtracts\n\nadd(1, 2) gives -1:\n${fence}\n>>> add(1, 2)\n${fence}\n${fence}python lib/sum.py\n${BEFORE}${fence}\n`;
    const user = { role: 'user', content: asked };
    const chat = (content: unknown, first: object = user): object => ({
      messages: [{ role: 'system', content: 'Repair it.' }, first, { role: 'assistant', content }],
    });
    const { rows, dropped } = await read(
      chat(EDIT.patch),
      chat([{ type: 'text', text: `Here it is:\n\n${fence}diff\n${EDIT.patch}${fence}\nDone.` }]),
      chat('I cannot.'),
      chat(EDIT.patch, { role: 'user', content: '' }),
      chat(EDIT.patch, { role: 'user', content: 'add subtracts' }),
      { messages: [user] },
      { messages: 'none' },
    );
    const issue = 'add subtracts\nadd(1, 2) gives -1:\n```\n>>> add(1, 2)\n```';
    assert.equal(rows.length, 2);
    for (const row of rows) {
      assert.equal(tokenizer.decode(row.sourceIds), `<|issue|>${issue}\n<|file|>lib/sum.py\n<|code|>\n${BEFORE}`);
      assert.equal(tokenizer.decode(row.patchIds), '<|del|>    c = a - b\n<|add|>    c = a + b\n');
    }
    assert.deepEqual(
      dropped.map(({ reason }) => reason),
      [
        'messages_without_patch',
        'messages_without_issue',
        'patch_without_its_file',
        'messages_without_patch',
        'not_a_row',
      ],
    );
  });

  it('tell how far reading them is', async () => {
    await read(EDIT, '', '{');
    const told: string[] = [];
    await readRows(path.join(folder, 'rows.jsonl'), config, tokenizer, {
      onLine: (done, total) => told.push(`${done} of ${total}`),
    });
    assert.deepEqual(told, ['1 of 3', '2 of 3', '3 of 3']);
    const signal = AbortSignal.abort(new Error('Interrupted.'));
    const interrupted = readRows(path.join(folder, 'rows.jsonl'), config, tokenizer, { signal });
    await assert.rejects(interrupted, { code: 'aborted' });
  });

  it('have the tokens that the Python side gives the same edit', async () => {
    const golden = JSON.parse(
      readFileSync(path.join(ROOT, 'test/fixtures/protocol-rows.json'), 'utf8'),
    ) as ProtocolRow[];
    // A row whose window begins the file, so that a diff can say the same.
    const whole = golden.filter(({ heading }) => heading === '');
    const edits = whole.map(({ title, body, path: name, lines, after }) => {
      const [before, changed] = [lines, after].map((part) => part.map((line) => `${line}\n`).join(''));
      return {
        issue: { title, body },
        files: [{ path: name, content: before }],
        patch: unifiedDiff(name, before!, changed!),
      };
    });
    const { rows, dropped } = await read(...edits);
    assert(whole.length > 0);
    assert.deepEqual(dropped, []);
    for (const [at, { source, patch }] of whole.entries()) {
      assert.deepEqual(rows[at]!.sourceIds, source);
      assert.deepEqual(rows[at]!.patchIds, patch);
    }
  });

  it('are left out with a reason where they cannot be used', async () => {
    const token = { source_ids: [6, 40], analysis_ids: [], patch_ids: [16, 4] };
    const { rows, dropped } = await read(
      '{',
      { id: 1 },
      { ...EDIT, patch: 'no diff' },
      { ...EDIT, files: [] },
      { ...EDIT, files: [{ path: 'lib/sum.py', content: 'something else\n' }] },
      { ...EDIT, patch: EDIT.patch + EDIT.patch.replaceAll('sum.py', 'other.py') },
      { ...token, patch_ids: new Array(500).fill(40) },
      { ...token, source_ids: [5000] },
      token,
    );
    assert.equal(rows.length, 1);
    assert.deepEqual(
      dropped.map(({ reason }) => reason),
      [
        'not_json',
        'not_a_row',
        'patch_unreadable',
        'patch_without_its_file',
        'patch_does_not_apply',
        'patch_of_several_files',
        'too_many_tokens',
        'token_unknown',
      ],
    );
    await assert.rejects(readRows(path.join(folder, 'none.jsonl'), config, tokenizer), { code: 'rows_unreadable' });
  });

  it('are split by their order, no source twice', async () => {
    const lines = tinyRows(20).trimEnd().split('\n');
    const all = await read(...lines, lines[0]!);
    const split = splitRows(all, undefined, ['code-generation'], { valid: 0.1, heldOut: 0.1 });
    assert.deepEqual([split.train.length, split.valid.length, split.heldOut.length], [15, 2, 3]);
    assert.equal(split.heldOut.at(-1)!.id, 'rows.jsonl:21');
    assert.deepEqual(split.dropped, [{ id: 'rows.jsonl:1', reason: 'also_held_out' }]);
    const two = await read(...lines.slice(0, 2));
    assert.throws(() => splitRows(two, undefined, ['code-generation'], { valid: 0.1, heldOut: 0.1 }), {
      code: 'rows_too_few',
    });
    const without = await read({ source_ids: [6, 40], analysis_ids: [], patch_ids: [16, 4] }, ...lines);
    const analysis = splitRows(without, undefined, ['issue-analysis'], { valid: 0.1, heldOut: 0.1 });
    assert.deepEqual(analysis.dropped, [{ id: 'rows.jsonl:1', reason: 'no_analysis' }]);
  });

  it('are split so that no commit is on both sides', async () => {
    const other = BEFORE.replaceAll('c', 'd');
    const alike = { ...EDIT, files: [{ path: 'lib/sum.py', content: other }] };
    const twin = { ...alike, patch: unifiedDiff('lib/sum.py', other, other.replace('-', '+')), commit: 'c0ffee' };
    const lines = tinyRows(20).trimEnd().split('\n');
    const split = splitRows(await read(...lines, twin, { ...EDIT, commit: 'c0ffee' }), undefined, ['code-generation'], {
      valid: 0.1,
      heldOut: 0.04,
    });
    assert.deepEqual(
      split.heldOut.map(({ id }) => id),
      ['rows.jsonl:22'],
    );
    assert.deepEqual(split.dropped, [{ id: 'rows.jsonl:21', reason: 'also_held_out' }]);
  });
});
