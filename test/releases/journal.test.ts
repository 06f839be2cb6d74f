// Proves: wherever a process ends while it writes, the journal gives the old or the new state; any other fault is reported.
import { strict as assert } from 'node:assert';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { releaseOf } from '../../server/inference/release.js';
import { Journal } from '../../server/releases/journal.js';
import type { HistoryEntry } from '../../server/releases/state.js';

type Change = Omit<HistoryEntry, 'seq' | 'time'>;

function change(code: string): Change {
  const state = { stable: releaseOf('a', code), canary: null, previous: [] };
  return { action: 'publish', label: 'stable', reason: null, state };
}

describe('journal', () => {
  let file: string;
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'journal-'));
    file = join(folder, 'journal');
  });
  afterEach(() => rm(folder, { recursive: true }));

  const write = async (...codes: string[]): Promise<void> => {
    const journal = await Journal.open(file);
    for (const code of codes) await journal.append(change(code));
    await journal.close();
  };
  const last = async (): Promise<HistoryEntry | undefined> => {
    const journal = await Journal.open(file);
    await journal.close();
    return journal.entries.at(-1);
  };

  it('gives the old or the new state, at whatever byte the writing ended, and goes on from there', async () => {
    await write('old');
    const old = await readFile(file);
    await write('new');
    const both = await readFile(file);
    for (let end = old.length; end <= both.length; end++) {
      await writeFile(file, both.subarray(0, end));
      const expected = end === both.length ? 'new' : 'old';
      assert.equal((await last())?.state.stable.code_generation, expected, String(end));
    }
    await writeFile(file, both.subarray(0, old.length + 5));
    await write('next');
    assert.equal((await last())?.seq, 2);
  });

  it('reports every flipped bit of a finished line, and a missing line', async () => {
    await write('one', 'two', 'three');
    const bytes = await readFile(file);
    const lines = bytes.toString().split('\n');
    for (let at = 0; at < lines[0]!.length; at += 3) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= 1;
      await writeFile(file, damaged);
      await assert.rejects(Journal.open(file), { name: 'StoreError' });
    }
    await writeFile(file, [lines[0], lines[2], ''].join('\n'));
    await assert.rejects(Journal.open(file), { name: 'StoreError', message: /entry 2 is missing/ });
  });

  it('stays short and keeps counting', async () => {
    const codes = Array.from({ length: 1005 }, (_, index) => String(index));
    await write(...codes);
    const lines = (await readFile(file, 'utf8')).split('\n').length - 1;
    assert.ok(lines < 200, String(lines));
    const entry = await last();
    assert.equal(entry?.seq, 1005);
    assert.equal(entry.state.stable.code_generation, '1004');
  });
});
