// Proves of `npm run experiments -- all --quick`: everything is written, no test row is learnt from, a second run takes all from
// the disk, the same seed gives the same numbers, an interrupted run goes on, and rows that fail are listed.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { EXPERIMENTS } from '../../training/experiments/registry.js';
import { ROOT, TINY_DIRECTORY } from '../helpers/tiny.js';
import { filesOf, numbersOf, runExperiments, usedRowsIn, type ExperimentsOutcome } from './command.js';

describe('npm run experiments', function () {
  this.timeout(300_000);
  let folder: string;
  let out: string;
  let first: ExperimentsOutcome;
  const inFolder = (name: string): string => path.join(folder, name);

  const readDocument = (): Promise<string> => readFile(path.join(ROOT, 'docs/experiments.md'), 'utf8');
  let documentBefore: string;

  before(async () => {
    documentBefore = await readDocument();
    folder = await mkdtemp(path.join(tmpdir(), 'experiments-'));
    out = inFolder('all');
    first = await runExperiments(['all', '--quick', '--out', out, '--threads', '1']);
    assert.equal(first.code, 0, first.log.join('\n'));
  });
  after(() => rm(folder, { recursive: true }));

  it('writes tables, plots, numbers and a section of each experiment', async () => {
    const document = await readFile(path.join(out, 'experiments.md'), 'utf8');
    for (const { name, title } of EXPERIMENTS) {
      const { hash } = JSON.parse(await readFile(path.join(out, name, 'results.json'), 'utf8')) as { hash: string };
      assert.match(document, new RegExp(`## ${title}`));
      assert(document.includes(`inputs ${hash.slice(0, 16)}`), name);
      assert(document.includes(`npm run experiments -- ${name} --quick`), name);
      const tables = await filesOf(out, name, '.tex');
      const plots = await filesOf(out, name, '.svg');
      assert(tables.length > 0 && plots.length > 0, name);
      assert.match(await readFile(path.join(out, name, tables[0]!), 'utf8'), /\\toprule[\s\S]*\\bottomrule/);
      assert.match(await readFile(path.join(out, 'experiments', `${name}-${plots[0]!}`), 'utf8'), /^<svg/);
    }
  });

  it('leaves the repository’s own document alone', async () => {
    assert.equal(await readDocument(), documentBefore);
  });

  it('never trains or validates on a row that it tests on', async () => {
    for (const { name } of EXPERIMENTS) {
      const results: unknown = JSON.parse(await readFile(path.join(out, name, 'results.json'), 'utf8'));
      for (const { train, valid, test } of usedRowsIn(results)) {
        assert(test.length > 0, name);
        const learnt = new Set([...train, ...valid]);
        assert.deepEqual(
          test.filter((id) => learnt.has(id)),
          [],
          name,
        );
        assert(!valid.some((id) => train.includes(id)), name);
      }
    }
    const stored = JSON.parse(await readFile(path.join(out, 'rows/swe-bench.json'), 'utf8')) as {
      instance_id: string;
      split: string;
    }[];
    const idsOf = (split: string): string[] =>
      stored.filter((row) => row.split === split).map((row) => row.instance_id);
    const trainings = usedRowsIn(JSON.parse(await readFile(path.join(out, 'swe-bench/results.json'), 'utf8')));
    assert.equal(trainings.length, 4);
    const tests = idsOf('test');
    for (const { train, valid, test } of trainings) {
      assert.deepEqual(test, tests);
      const own = [...train, ...valid];
      assert(['train', 'adapt'].some((split) => idsOf(split).join() === own.join()));
    }
  });

  it('changes the adapted agent and nothing else', async () => {
    for (const agent of ['issue-analysis', 'code-generation']) {
      const file = path.join(out, 'adaptation', `apples-${agent}-seed0`, 'metrics.json');
      const metrics = JSON.parse(await readFile(file, 'utf8')) as {
        target_agent: string;
        delta: Record<string, number>;
        parameter_locality: Record<string, number>;
      };
      assert.equal(metrics.target_agent, agent);
      assert.equal(metrics.parameter_locality['target_changed_count'], 6);
      assert.equal(metrics.parameter_locality['non_target_changed_count'], 0);
      const other = agent === 'issue-analysis' ? 'delta_code_gold_gist_ce' : 'delta_issue_ce';
      const own = agent === 'issue-analysis' ? 'delta_issue_ce' : 'delta_code_gold_gist_ce';
      assert.equal(metrics.delta[other], 0);
      assert(metrics.delta[own]! < 0);
    }
  });

  it('takes everything from the disk the second time', async () => {
    const second = await runExperiments(['all', '--quick', '--out', out, '--threads', '1']);
    assert.equal(second.code, 0);
    assert.deepEqual(
      second.units.filter(({ cached }) => !cached),
      [],
    );
    assert.equal(second.units.length, first.units.length);
  });

  it('goes on after an interruption, with the same numbers as a run that was not interrupted', async () => {
    const again = inFolder('interrupted');
    const args = ['ablations', '--quick', '--out', again, '--threads', '1'];
    const interrupted = await runExperiments(args, (line, interrupt) => {
      if (line.includes('"done":3')) interrupt();
    });
    assert.equal(interrupted.code, 130, interrupted.log.join('\n'));
    const resumed = await runExperiments(args);
    assert.equal(resumed.code, 0);
    assert(resumed.units.filter(({ cached }) => cached).length >= 3);
    assert(resumed.units.some(({ cached }) => !cached));
    assert.deepEqual(await numbersOf(again, 'ablations'), await numbersOf(out, 'ablations'));
  });

  it('lists rows that fail and goes on without them', async () => {
    const rows = (await readFile(path.join(out, 'rows/apples.jsonl'), 'utf8')).split('\n').slice(0, 2);
    await writeFile(inFolder('broken.jsonl'), `${rows.join('\n')}\n{"issue": "no files"}\n`);
    const where = inFolder('failing');
    const agents = ['--model-dir', TINY_DIRECTORY, '--agents-dir', TINY_DIRECTORY, '--threads', '1'];
    const places = ['--out', where, '--document', inFolder('failing.md')];
    const run = await runExperiments(['lift', '--rows', `broken=${inFolder('broken.jsonl')}`, ...agents, ...places]);
    assert.equal(run.code, 0, run.log.join('\n'));
    const failed: unknown = JSON.parse(await readFile(path.join(where, 'lift/failed.json'), 'utf8'));
    assert.deepEqual(failed, [{ row: 'broken.jsonl:3', step: 'read', reason: 'not_a_row' }]);
    assert.match(await readFile(inFolder('failing.md'), 'utf8'), /read: not_a_row: 1 \(broken\.jsonl:3\)/);
  });

  it('says which rows are missing', async () => {
    const run = await runExperiments([
      'lift',
      '--rows',
      `nowhere=${inFolder('nowhere.jsonl')}`,
      '--out',
      inFolder('none'),
    ]);
    assert.equal(run.code, 1);
    assert.match(run.log.join(), /rows_unreadable.*nowhere/);
    assert.equal((await runExperiments(['painting'])).code, 2);
    assert.equal((await runExperiments(['lift', '--rows', 'nameless'])).code, 2);
  });
});
