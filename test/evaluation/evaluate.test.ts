import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bareAgent } from '../../adapters/agent.js';
import { readHeldOut, type HeldOutRow } from '../../training/evaluation/held-out.js';
import { caseFigures, pipelineFigures, segmentFigures, type MeasuredRow } from '../../training/evaluation/figures.js';
import { renderReport, writeJson, type Report } from '../../training/evaluation/report.js';
import { tryRow, type RowTrial } from '../../training/evaluation/row-trial.js';
import { ScratchFolder } from '../../training/evaluation/scratch-folder.js';
import { scoreSequence } from '../../model/score.js';
import { scoreRow } from '../../training/evaluation/teacher-forcing.js';
import { tinyEngine } from '../pipeline/tiny-engine.js';
import { storedRow } from './rows.js';

/** Three rows: a commit whose second patch is exact, an injected fault whose first is, and one without a patch. */
function measuredRows(): MeasuredRow[] {
  const patch = (exact: boolean, parses?: boolean) => ({ applies: true, parses, exact, score: 0.5 });
  const trial = (...patches: RowTrial['patches']): RowTrial => ({
    ms: 100,
    tokens: 50,
    found: true,
    patches,
    candidates: [],
  });
  const none = { loss: 0, correct: 0, tokens: 1 };
  const scores = {
    analysis: none,
    patch_given_analysis: none,
    patch_given_generated_analysis: none,
    patch_alone: none,
  };
  return [
    { kind: 'commit' as const, single: trial(patch(false, true), patch(true, false)) },
    { kind: 'injected' as const, single: trial(patch(true)) },
    { kind: 'injected' as const, single: trial() },
  ].map((item) => ({ ...item, scores: { agents: scores, bare: scores } }));
}

describe('evaluation', () => {
  let folder: string;
  let row: HeldOutRow;
  let engine: Awaited<ReturnType<typeof tinyEngine>>;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'evaluation-'));
    const file = path.join(folder, 'rows.jsonl');
    await writeFile(file, JSON.stringify(storedRow('commit')));
    row = (await readHeldOut(file, 1, 0))[0]!;
    engine = await tinyEngine();
  });

  after(async () => {
    await engine.close();
    await rm(folder, { recursive: true });
  });

  it('scores a sequence as one would token by token', async () => {
    const { backbone, agents } = engine;
    const memory = await backbone.encode(row.sourceIds);
    const prompt = [18, 9, 40, 19];
    const target = [16, 43, 4, 17, 44, 4, 2];
    const score = await scoreSequence(backbone, memory, agents.codeGeneration, prompt, target);
    const state = backbone.open(memory, agents.codeGeneration);
    const decoded = state.row();
    let loss = 0;
    let correct = 0;
    let feed: readonly number[] = prompt;
    for (const token of target) {
      const [[logits]] = (await state.step([{ row: decoded, tokens: feed }])) as [[Float32Array]];
      const sum = logits.reduce((total, logit) => total + Math.exp(logit), 0);
      loss -= Math.log(Math.exp(logits[token]!) / sum);
      if (logits.indexOf(Math.max(...logits)) === token) correct++;
      feed = [token];
    }
    state.close();
    assert(Math.abs(score.loss - loss) < 1e-3 * loss, `${score.loss} and ${loss}`);
    assert.deepEqual([score.correct, score.tokens], [correct, target.length]);
  });

  it('scores agents and bare backbone on each segment', async () => {
    const bare = bareAgent(engine.backbone.config);
    const scores = await scoreRow(engine.backbone, engine.agents, bare, row);
    assert.equal(scores.agents.analysis.tokens, row.analysisIds.length + 1);
    assert.equal(scores.agents.patch_alone.tokens, row.patchIds.length + 1);
    assert.notEqual(scores.agents.patch_alone.loss, scores.bare.patch_alone.loss);
    const trial = await tryRow(engine, row, 1, 0);
    const measured = { kind: row.kind, scores, single: trial };
    const { cross_entropy } = segmentFigures([measured], 'agents', 0).patch_alone;
    assert.equal(cross_entropy.commit?.value, scores.agents.patch_alone.loss / scores.agents.patch_alone.tokens);
    assert.equal(cross_entropy.injected, undefined);
  });

  it('believes git, not the pipeline, about what applies', async () => {
    const scratch = await ScratchFolder.create('shop/basket.py', row.content);
    const fix = [
      '--- a/shop/basket.py',
      '+++ b/shop/basket.py',
      '@@ -5,3 +5,3 @@',
      '     for item in items:',
      '-        result -= item',
      '+        result += item',
      '     return result',
      '',
    ].join('\n');
    const applied = await scratch.try(fix);
    assert.equal(applied.content, row.content.replace('-=', '+='));
    assert.deepEqual(await scratch.try(fix.replace('-        result -=', '-        result *=')), { applies: false });
    assert.deepEqual((await scratch.try(fix)).applies, true, 'each patch meets the file as it was');
    await scratch.remove();
  });

  it('counts outcomes by kind of row', () => {
    const rows = measuredRows();
    const figures = pipelineFigures(rows, 'single', 0)!;
    assert.equal(figures.abstained.all?.value, 1 / 3);
    assert.equal(figures.exact_match.commit?.value, 0);
    assert.equal(figures.exact_match_any.commit?.value, 1);
    assert.equal(figures.exact_match.injected?.value, 1 / 2);
    assert.equal(figures.syntax_valid.all?.value, 1 / 2, 'patches of files that do not parse are left out');
    assert.equal(figures.applies.all?.value, 1);
    // Of the two first patches, both with score 0.5, one is exact.
    assert.ok(figures.calibration);
    assert.deepEqual(
      figures.calibration.bins.map(({ items, mean_score, right }) => [items, mean_score, right]),
      [[2, 0.5, 0.5]],
    );
    assert.equal(figures.calibration.expected_calibration_error.value, 0);
    assert.equal(pipelineFigures(rows, 'several', 0), undefined);
  });

  it('prints one table and writes JSON in one step', async () => {
    const cases = caseFigures(
      [
        {
          name: 'a',
          ms: 1,
          patches: [
            { applies: true, passes: false },
            { applies: true, passes: true },
          ],
        },
      ],
      0,
    );
    assert.deepEqual([cases.tests_passed?.value, cases.tests_passed_any?.value], [0, 1]);
    const report: Report = {
      model: { name: 'tiny', fingerprint: 'f', release: { issue_analysis: 'a', code_generation: 'b' } },
      settings: { syntax_judge: 'a judge' },
      held_out: {
        rows: 3,
        teacher_forced: {
          agents: segmentFigures(measuredRows(), 'agents', 0),
          bare_backbone: segmentFigures(measuredRows(), 'bare', 0),
        },
        pipeline: pipelineFigures(measuredRows(), 'single', 0)!,
      },
      cases: { single: cases, several: cases },
      several: 5,
      details: [],
      ranking: [],
    };
    assert.match(renderReport(report), /Syntax is judged by a judge\./);
    assert.match(
      renderReport(report),
      /\n {2}0\.5 to 0\.6 +2 +50\.0 % +50\.0 %\n {2}expected calibration error +0\.0 %/,
    );
    assert.match(renderReport(report), /tests passed, any patch +100\.0 % \(100\.0–100\.0\)/);
    const out = path.join(folder, 'deep', 'report.json');
    await writeJson(out, report);
    assert.deepEqual(JSON.parse(await readFile(out, 'utf8')), JSON.parse(JSON.stringify(report)));
    assert.deepEqual(await readdir(path.dirname(out)), ['report.json']);
  });
});
