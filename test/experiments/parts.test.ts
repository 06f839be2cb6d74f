// The pieces of the experiments: the seed's measures by its formulas, the cache, the document, the masked agent.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { agentShapes } from '../../model/agent-tensors.js';
import { readConfig } from '../../model/config.js';
import { loadTokenizer } from '../../model/tokenizer.js';
import { hashOf, UnitCache } from '../../training/experiments/cache.js';
import type { Experiment, ExperimentResult } from '../../training/experiments/experiment.js';
import { improvement, overSeeds } from '../../training/experiments/intervals.js';
import { latexTable } from '../../training/experiments/latex.js';
import { cellText, sectionOf, withSection } from '../../training/experiments/markdown.js';
import { allParts, countParts, freshAgent, maskedGraphs } from '../../training/experiments/masked-agent.js';
import * as measures from '../../training/experiments/seed-metrics.js';
import { readSweBench } from '../../training/experiments/swe-bench-rows.js';
import { zerosLike } from '../../training/finetune/optimiser.js';
import { TINY_DIRECTORY } from '../helpers/tiny.js';

const PROVENANCE = {
  command: 'npm run experiments -- x',
  hash: 'a'.repeat(64),
  model: 'tiny',
  fingerprint: 'b'.repeat(64),
};
const EXPERIMENT: Experiment = {
  name: 'x',
  title: 'Title',
  question: 'Why?',
  version: 1,
  run: () => Promise.reject(new Error('not run')),
};

describe('the seed’s measures', () => {
  const code = 'def f(value):\n    if value:\n        return 1\n    return f(value)';
  it('follow its formulas', () => {
    assert.equal(measures.fieldCoverage('<PROBLEM>\na\n</PROBLEM>'), 0.5);
    assert(!measures.isValidGist('<PROBLEM>a</PROBLEM><FAULT_TYPE>b</FAULT_TYPE><PATCH_HINT>c</PATCH_HINT>'));
    const four = ['PROBLEM', 'FAULT_TYPE', 'FAULT_LOCATION', 'PATCH_HINT'].map((tag) => `<${tag}>a</${tag}>`).join('');
    assert(measures.isValidGist(four));
    assert(measures.hasStructure(code));
    assert(!measures.hasStructure('def f(value): return value or nothing at all'));
    assert.equal(measures.patchSanity(code, true), 1);
    assert.equal(measures.patchSanity('no code', false), 0);
    assert(measures.isGeneric('def generated_patch():\n    pass'));
    assert.equal(measures.lexicalOverlap('the value of F', code), 0.5);
    assert.equal(measures.pairwiseSimilarity(['a b', 'b c', '1']), 1 / 3);
    assert.equal(measures.pairwiseSimilarity(['a']), 1);
    const figures = measures.sampleFigures(
      [
        { gist: 'value', code },
        { gist: 'value', code: '(' },
      ],
      (text) => text !== '(',
    );
    assert.equal(figures['accepted'], 0.5);
    assert.equal(figures['code_quality'], 0.6 * 0.5 + 0.3 * 0.5 + 0.1);
  });
});

describe('figures', () => {
  it('have intervals over seeds and rows', () => {
    const { value, low, high } = overSeeds([1, 2, 3]);
    assert.equal(value, 2);
    assert(Math.abs(high - (2 + 4.303 / Math.sqrt(3))) < 1e-9 && Math.abs(low + high - 4) < 1e-9);
    assert(Number.isNaN(overSeeds([1]).low));
    const sums = (loss: number, correct: number) => ({ loss, correct, count: 10 });
    const change = improvement([sums(10, 2), sums(20, 2)], [sums(9, 3), sums(18, 3)], 0);
    assert(Math.abs(change.cross_entropy_percent.value + 10) < 1e-9);
    assert(Math.abs(change.cross_entropy_percent.high + 10) < 1e-9, 'every row improves by as much');
    assert(Math.abs(change.accuracy_percent.value - 50) < 1e-9);
  });
});

describe('units of work', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'units-'));
  });
  after(() => rm(folder, { recursive: true }));

  const cache = (base: unknown, signal = new AbortController().signal): UnitCache =>
    new UnitCache(folder, base, { began: () => undefined, detail: () => undefined, done: () => undefined }, signal);

  it('are done once for the same inputs, and again for others', async () => {
    let done = 0;
    const work = () => Promise.resolve(++done);
    assert.equal(await cache(1).unit('a', [1], work), 1);
    assert.equal(await cache(1).unit('a', [1], work), 1);
    assert.equal(await cache(1).unit('a', [2], work), 2);
    assert.equal(await cache(2).unit('a', [1], work), 3);
    assert.notEqual(hashOf([1]), hashOf([2]));
  });

  it('find what a killed run left in their folder', async () => {
    const killed = cache(3).unit('b', [], async (unit) => {
      await writeFile(path.join(unit.folder, 'half'), 'half');
      throw new Error('killed');
    });
    await assert.rejects(killed, /killed/);
    const value = await cache(3).unit('b', [], ({ folder: own }) => readFile(path.join(own, 'half'), 'utf8'));
    assert.equal(value, 'half');
  });

  it('are not begun after an interruption', async () => {
    const work = cache(4, AbortSignal.abort()).unit('c', [], () => Promise.resolve(1));
    await assert.rejects(work, { code: 'aborted' });
  });
});

describe('the document', () => {
  const result = (findings: string[]): ExperimentResult => ({
    findings,
    tables: [{ id: 't', title: 'T', columns: ['a', 'b'], rows: [['x|y', 0.123456]] }],
    plots: [],
    samples: [],
    failed: [{ row: 'r1', step: 'read', reason: 'not_json' }],
    data: {},
  });
  const section = (finding: string): string => sectionOf(EXPERIMENT, result([finding]), PROVENANCE, 'experiments');

  it('has one section of an experiment, the latest, in its place', () => {
    const first = withSection(undefined, 'x', section('old'));
    const other = withSection(first, 'y', '<!-- y: begin -->\n\nOther\n\n<!-- y: end -->');
    const second = withSection(other, 'x', section('new'));
    assert(second.includes('- new') && !second.includes('- old') && second.includes('Other'));
    assert(second.indexOf('Title') < second.indexOf('Other'));
    assert(second.includes('| x\\|y | 0.1235 |') && second.includes('1 (r1)'));
    assert.equal(cellText(12345.6), '12,346');
  });

  it('has tables that LaTeX takes', () => {
    const text = latexTable({ id: 't', title: 'A & B_1', columns: ['a', '50 %'], rows: [['{x}', 1]] }, PROVENANCE);
    assert(
      text.includes('\\caption{A \\& B\\_1}') && text.includes('a & 50 \\% \\\\') && text.includes('\\{x\\} & 1 \\\\'),
    );
  });
});

describe('an agent with parts left out', () => {
  it('has no numbers and no gradients there', async () => {
    const config = await readConfig(TINY_DIRECTORY);
    const parts = { rank: 2, layers: [1], gate: false, head: false };
    const agent = freshAgent(config, parts, 0);
    const shapes = agentShapes(config);
    const { rank } = config.adapter;
    assert(
      agent.adapter_down.every((value, at) => (value !== 0) === (at >= config.hidden_size * rank && at % rank < 2)),
    );
    assert(agent.adapter_up.every((value) => value === 0));
    assert(agent.gate_b.every((value) => 1 / (1 + Math.exp(-value)) > 1 - 1e-9));
    const gradients = zerosLike(agent);
    const graphs = maskedGraphs(
      {
        evaluate: () => Promise.resolve([]),
        addGradients: (_sequences, _agent, sums) => {
          for (const values of Object.values(sums)) values.fill(1);
          return Promise.resolve({ loss: 0, correct: 0, count: 1 });
        },
      },
      config,
      parts,
    );
    await graphs.addGradients([], agent, gradients);
    const left = Object.values(gradients).reduce(
      (sum, values) => sum + values.reduce((all, value) => all + value, 0),
      0,
    );
    assert.equal(left, 2 * 2 * config.hidden_size);
    assert.equal(countParts(config, parts), left);
    const whole = Object.values(shapes).reduce(
      (sum, shape) => sum + shape.reduce((product, size) => product * size, 1),
      0,
    );
    assert.equal(countParts(config, allParts(config)), whole);
  });
});

describe('the seed’s rows', () => {
  it('keep their split; one that cannot be used is listed', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'swe-'));
    try {
      const file = path.join(folder, 'rows.json');
      const row = {
        instance_id: 'a',
        split: 'test',
        input: 'x '.repeat(400),
        issue_target: 'p',
        code_target: 'return 1\n  y',
      };
      await writeFile(file, JSON.stringify([row, { ...row, instance_id: 'b', code_target: '' }]));
      const config = await readConfig(TINY_DIRECTORY);
      const tokenizer = await loadTokenizer(path.join(TINY_DIRECTORY, config.files.tokenizer), config);
      const { train, test, failed } = await readSweBench(file, config, tokenizer);
      assert.deepEqual([train.length, test.length], [0, 1]);
      assert.equal(test[0]!.row.sourceIds.length, 256);
      assert.equal(test[0]!.bytes.code, 'return 1 y'.length);
      assert.deepEqual(failed, [{ row: 'b', step: 'read', reason: 'empty' }]);
      await writeFile(file, '[{}]');
      await assert.rejects(readSweBench(file, config, tokenizer), { code: 'rows_unreadable' });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
