/** A request through the whole pipeline on the tiny model: it always answers, and what it proposes applies. */
import assert from 'node:assert/strict';
import { applyPatch } from 'diff';
import { createPatches, type Engine } from '../../pipeline/pipeline.js';
import type { RankedCandidate } from '../../pipeline/ranking.js';
import type { SyntaxChecker } from '../../pipeline/syntax.js';
import type { PatchRequest, PipelineEvent } from '../../pipeline/types.js';
import { hostileWindow } from '../constraints/hostile-windows.js';
import { seededRandom } from '../constraints/random-walk.js';
import { tinyEngine } from './tiny-engine.js';

const CODE = [
  'import math',
  '',
  '',
  'def mean(values):',
  '    """Arithmetic mean."""',
  '    total = 0',
  '    for value in values:',
  '        total -= value',
  '    return total / len(values)',
  '',
  '',
  'def root(value):',
  '    return math.sqrt(value)',
  '',
].join('\n');

/** The tiny model knows nothing, so everything it writes is shown. */
const SHOW_ALL = { options: { abstainBelow: 0, keepAbove: 0 } };

const request = (rest: Partial<PatchRequest> = {}): PatchRequest => ({
  issue: { title: 'mean() gives negative numbers', body: 'The `total` is wrong.' },
  files: [{ path: 'stats.py', content: CODE }],
  ...rest,
});

describe('pipeline on the tiny model', () => {
  let engine: Engine & { close(): Promise<void> };

  before(async () => {
    engine = await tinyEngine();
  });

  after(async () => {
    await engine.close();
  });

  it('answers with analysis, patch, usage and timings', async () => {
    const result = await createPatches(engine, request(), SHOW_ALL);
    assert.equal(result.patches.length, 1);
    assert.equal(result.status, result.patches[0]!.status);
    assert.deepEqual(result.patches[0]!.files, ['stats.py']);
    assert.notEqual(applyPatch(CODE, result.patches[0]!.diff), false);
    assert.ok(engine.backbone.config.fault_types.includes(result.analysis!.fault_type));
    assert.match(result.analysis!.fault_location, /^stats\.py::(?:<module>|mean|root)$/);
    assert.ok(CODE.split('\n').some((line) => line.trim() === result.analysis!.line));
    const { usage, timings } = result;
    assert.equal(usage.windows, 1);
    assert.equal(usage.hypotheses, 3);
    assert.ok(usage.patch_tokens > 0 && usage.forced_tokens < usage.patch_tokens + usage.analysis_tokens);
    assert.ok(timings.total >= timings.encode + timings.analysis + timings.code);
  });

  it('gives several different patches, best first', async () => {
    const unchecked: Engine = { backbone: engine.backbone, agents: engine.agents };
    const { patches } = await createPatches(unchecked, request({ n: 5, temperature: 0.7 }), SHOW_ALL);
    assert.ok(patches.length >= 3 && patches.length <= 5);
    assert.equal(new Set(patches.map(({ diff }) => diff)).size, patches.length);
    patches.forEach(({ score }, index) => {
      assert.ok(index === 0 || score <= patches[index - 1]!.score);
    });
  });

  it('holds patches back that break the syntax, unless all do', async () => {
    const unchecked: Engine = { backbone: engine.backbone, agents: engine.agents };
    const ask = async (checked: Engine) => (await createPatches(checked, request({ n: 16 }), SHOW_ALL)).patches;
    const all = await ask(unchecked);
    const broken = new Set(all.filter((_, index) => index % 2 === 0).map(({ diff }) => applyPatch(CODE, diff)));
    const parsing = (isSound: (text: string) => boolean): Engine => {
      const parsed = (text: string) => ({ isSound: isSound(text), isProseLine: () => false, dispose: () => undefined });
      const checker = { parse: (_path: string, text: string) => parsed(text), keysFor: () => undefined };
      return { ...unchecked, syntax: checker as unknown as SyntaxChecker };
    };

    const sound = await ask(parsing((text) => !broken.has(text)));
    assert.equal(sound.length, all.length - broken.size);
    assert.ok(sound.every(({ diff, status }) => status === 'applies' && !broken.has(applyPatch(CODE, diff))));

    const none = await ask(parsing((text) => text === CODE));
    assert.equal(none.length, all.length);
    assert.ok(none.every(({ status }) => status === 'syntax_error'));
  });

  it('finds as many different edits as are wanted, without chance', async () => {
    const unchecked: Engine = { backbone: engine.backbone, agents: engine.agents };
    const ask = (n: number) => createPatches(unchecked, request({ n }), SHOW_ALL);
    const { patches, usage } = await ask(8);
    assert.equal(new Set(patches.map(({ diff }) => diff)).size, 8);
    assert.equal(usage.hypotheses, 4);
    assert.equal(usage.finish_reason, 'complete');
    assert.deepEqual(patches, (await ask(8)).patches);
  });

  it('has hypotheses that differ in line, type or hint', async () => {
    const events: PipelineEvent[] = [];
    await createPatches(engine, request({ n: 16 }), { ...SHOW_ALL, onEvent: (event) => void events.push(event) });
    const told = events.flatMap((event) => (event.type === 'analysis' ? [event.analysis] : []));
    assert.equal(told.length, 8);
    assert.equal(new Set(told.map((one) => JSON.stringify({ ...one, confidence: 0 }))).size, 8);
  });

  it('answers with nothing when the time is up before there is anything, and says so', async () => {
    const result = await createPatches(engine, request({ n: 8, max_time_ms: 1 }), SHOW_ALL);
    assert.equal(result.usage.finish_reason, 'time');
    assert.equal(result.status, 'abstained');
    assert.equal(result.abstained_because, 'out_of_time');
    const enough = await createPatches(engine, request({ max_time_ms: 3_600_000 }), SHOW_ALL);
    assert.deepEqual([enough.patches.length, enough.usage.finish_reason], [1, 'complete']);
  });

  it('tells all candidates with what their scores are made of, shown or not', async () => {
    let all: readonly RankedCandidate[] = [];
    const result = await createPatches(engine, request({ n: 4 }), { onRanked: (ranked) => void (all = ranked) });
    assert.equal(result.patches.length, 0);
    assert.ok(all.length >= 4);
    assert.ok(all.every(({ features, formula }) => [formula, ...Object.values(features)].every(Number.isFinite)));
  });

  it('says the same for the same seed', async () => {
    const ask = async (seed: number) =>
      (await createPatches(engine, request({ n: 3, temperature: 1, seed }), SHOW_ALL)).patches.map(({ diff }) => diff);
    assert.deepEqual(await ask(1), await ask(1));
    assert.notDeepEqual(await ask(1), await ask(2));
  });

  it('abstains when it is not sure, still with an analysis', async () => {
    const result = await createPatches(engine, request());
    assert.equal(result.status, 'abstained');
    assert.equal(result.abstained_because, 'low_confidence');
    assert.deepEqual(result.patches, []);
    assert.ok(result.analysis);
  });

  it('shows what it is not sure of to whom asks for it', async () => {
    const { patches } = await createPatches(engine, request({ n: 3, min_score: 0 }));
    assert.equal(patches.length, 3);
    assert.deepEqual((await createPatches(engine, request({ n: 3, min_score: 1 }))).patches, []);
  });

  it('abstains when there is nothing to edit', async () => {
    for (const files of [[], [{ path: 'a.py', content: '' }], [{ path: 'a.bin', content: 'a\0b' }]]) {
      const result = await createPatches(engine, request({ files }), SHOW_ALL);
      assert.equal(result.status, 'abstained');
      assert.equal(result.abstained_because, 'nothing_to_edit');
      assert.equal(result.analysis, null);
    }
  });

  it('works on the best windows of several files', async () => {
    const files = Array.from({ length: 6 }, (_, index) => ({
      path: `other/f${index}.py`,
      content: `x${index} = ${index}\n`,
    }));
    const result = await createPatches(engine, request({ files: [...files, ...request().files] }), SHOW_ALL);
    assert.equal(result.windows[0]!.path, 'stats.py');
    assert.ok(result.windows.length <= 3);
  });

  it('reports what it does, in order', async () => {
    const events: PipelineEvent[] = [];
    const onEvent = (event: PipelineEvent): void => void events.push(event);
    const result = await createPatches(engine, request(), { ...SHOW_ALL, onEvent });
    const stages = events.flatMap((event) => (event.type === 'stage_started' ? [event.stage] : []));
    assert.deepEqual(stages, ['retrieval', 'encode', 'analysis', 'code', 'ranking']);
    assert.equal(events.filter(({ type }) => type === 'analysis').length, 3);
    assert.equal(events.filter(({ type }) => type === 'candidate').length, result.patches.length);
    const text = events.flatMap((event) => (event.type === 'text' ? [event.text] : [])).join('');
    assert.ok(text.startsWith('<|problem|>') && text.includes('<|hint|>'));
  });

  it('stops when asked to', async () => {
    const controller = new AbortController();
    const onEvent = ({ type }: PipelineEvent): void => {
      if (type === 'analysis') controller.abort(new Error('gone'));
    };
    await assert.rejects(createPatches(engine, request(), { signal: controller.signal, onEvent }));
    await assert.rejects(createPatches(engine, request(), { signal: AbortSignal.abort(new Error('early')) }), /early/);
  });

  it('keeps to the tokens it is given', async () => {
    const result = await createPatches(engine, request({ max_new_tokens: 12 }), SHOW_ALL);
    assert.ok(result.usage.patch_tokens <= 12 * result.usage.hypotheses);
    assert.equal(result.patches.length, 1);
  });

  it('answers for hostile files and issues', async () => {
    for (let index = 0; index < 20; index++) {
      const random = seededRandom(index);
      const content = hostileWindow(index, random).join(random() < 0.5 ? '\n' : '\r\n');
      const title = hostileWindow(20 + index, random)[0]!;
      const files = [{ path: `d/${index}.py`, content }];
      const result = await createPatches(engine, { issue: { title, body: content }, files }, SHOW_ALL);
      for (const { diff } of result.patches) {
        assert.notEqual(applyPatch(content, diff, { autoConvertLineEndings: false }), false, `file ${index}`);
      }
      assert.ok(result.patches.length > 0 || result.status === 'abstained');
    }
  });
});
