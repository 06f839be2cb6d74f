// Proves: tests judge each candidate in a folder of its own, and the benchmark runs from bugs to report and plot.
import { strict as assert } from 'node:assert';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runBenchmark } from '../../training/benchmark/benchmark.js';
import { readOverlap } from '../../training/benchmark/overlap.js';
import { renderBenchmark } from '../../training/benchmark/report.js';
import { tryCandidates } from '../../training/benchmark/task-trial.js';
import { draw, readCases, readHumanEval } from '../../training/benchmark/tasks.js';
import { judgeOf } from '../../training/evaluation/row-trial.js';
import { tinyEngine } from '../pipeline/tiny-engine.js';
import { bug, replaceFault, storedBug } from './bugs.js';

describe('benchmark', () => {
  let folder: string;
  let engine: Awaited<ReturnType<typeof tinyEngine>>;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'agentic-seq2seq-'));
    engine = await tinyEngine();
  });
  after(async () => {
    await engine.close();
    await rm(folder, { recursive: true });
  });

  const outcomes = async (...patches: ReturnType<typeof replaceFault>[]): Promise<unknown[]> =>
    (await tryCandidates(judgeOf(engine), bug, patches)).map(({ applies, parses, passes }) => [
      applies,
      parses,
      passes,
    ]);

  it('judges candidates by the tests', async () => {
    const right = replaceFault('        result += item');
    const elsewhere = { ...right, diff: right.diff.replace('-        result -=', '-        result *=') };
    assert.deepEqual(
      await outcomes(
        replaceFault('        result += 2 * item'),
        replaceFault('        result +='),
        elsewhere,
        right,
        replaceFault('        result += 3 * item'),
      ),
      [
        [true, true, false],
        [true, false, false],
        [false, undefined, false],
        [true, true, true],
        [true, true, false],
      ],
    );
  });

  it('gives no candidate what another one left, and leaves nothing itself', async () => {
    const scratch = join(folder, 'scratch');
    await mkdir(scratch);
    const usual = process.env['TMPDIR'];
    process.env['TMPDIR'] = scratch;
    // A cheat that only helps the candidates after it.
    const cheat = replaceFault('        open("test_solution.py", "w").close()');
    try {
      const both = await outcomes(cheat, cheat);
      assert.deepEqual(both, [
        [true, true, false],
        [true, true, false],
      ]);
    } finally {
      if (usual === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = usual;
    }
    assert.deepEqual(await readdir(scratch), []);
  });

  it('is not fooled by a candidate that ends as a missing program would', async () => {
    assert.deepEqual(await outcomes(replaceFault('        raise SystemExit(127)')), [[true, true, false]]);
  });

  it('reads bugs and cases, and draws the same ones with the same seed', async () => {
    const file = join(folder, 'bugs.jsonl');
    await writeFile(file, `${JSON.stringify(storedBug)}\n`);
    assert.deepEqual(await readHumanEval(file), [bug]);
    const cases = await readCases();
    const permissions = cases.find(({ name }) => name === 'permissions');
    assert.deepEqual(
      permissions?.files.map(({ path }) => path),
      ['permissions.py'],
    );
    assert.ok(permissions.workspace.some(({ path }) => path === 'test_permissions.py'));
    const names = (seed: number, count: number): string[] => draw(cases, count, seed).map(({ name }) => name);
    assert.deepEqual(names(1, 3), names(1, 3));
    assert.equal(names(1, 3).length, 3);
    assert.notDeepEqual(names(1, 3), names(2, 3));
    assert.deepEqual(
      names(1, 100),
      cases.map(({ name }) => name),
    );
  });

  it('runs from bugs to report and plot', async () => {
    const overlapFile = join(folder, 'overlap.json');
    assert.equal(await readOverlap(overlapFile), undefined);
    const tasks = { 'Tiny/0': { grams: 10, found: 0 }, 'Tiny/1': { grams: 10, found: 2 } };
    await writeFile(overlapFile, JSON.stringify({ n: 13, records: 7, sources: { 'a.jsonl': 7 }, tasks }));
    const overlap = await readOverlap(overlapFile);
    assert.ok(overlap);
    const lines: string[] = [];
    const stream = { isTTY: false, write: (text: string) => lines.push(text) } as unknown as NodeJS.WriteStream;
    const release = { id: 'r', issue_analysis: 'a', code_generation: 'b' };
    const info = { model: { name: 'tiny', fingerprint: 'f' }, release };
    const loaded = { engine, info, agents: [] };
    const seen = { ...bug, name: 'Tiny/1#1', task: 'Tiny/1' };
    const cases = [{ ...bug, suite: 'cases' as const }];
    const options = { humaneval: [bug, seen], cases, wanted: 5, seed: 0, threshold: 0.9, settings: {}, stream };
    const report = await runBenchmark(loaded, { ...options, overlap });
    assert.deepEqual(
      report.details.map(({ name, suite }) => [name, suite]),
      [
        ['Tiny/0#1', 'humaneval'],
        ['Tiny/1#1', 'humaneval'],
        ['Tiny/0#1', 'cases'],
      ],
    );
    // The tiny model is random, so its scores are low; they are not held back.
    assert.ok(report.details.every(({ candidates }) => candidates.length > 0));
    assert.equal(report.humaneval?.applies?.value, 1);
    assert.equal(report.humaneval.abstention.answered?.value, 0);
    assert.deepEqual(Object.keys(report.humaneval.all.pass_at), ['1', '5']);
    assert.equal(report.humaneval.pass_curve.length, 5);
    assert.deepEqual(report.overlap?.seen, { 'Tiny/1': 0.2 });
    assert.equal(report.overlap.unseen?.bugs, 1);
    assert.ok(lines.includes('bugs: 3 of 3\n'));
    const text = renderBenchmark(report);
    assert.match(text, /HumanEval-repair +bugs +pass@1 +pass@5/);
    assert.match(text, / {2}wrong operator +2 /);
    assert.match(text, / {2}no 13-gram in the training data +1 /);
    assert.match(text, /expected calibration error/);
    assert.match(
      text,
      /1 tasks share a 13-gram of words with the 7 training records searched, most of all Tiny\/1 20\.0 %\.\nSearched: a\.jsonl \(7\)\.$/,
    );
    const ranked = report.ranking.find(({ row }) => row === 'Tiny/1#1');
    assert.equal(ranked?.group, 'Tiny/1');
    assert.ok(ranked.candidates.every(({ score, right }) => score >= 0 && typeof right === 'boolean'));
  });
});
