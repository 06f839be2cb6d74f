import type { Agent } from '../../adapters/agent.js';
import type { RequiredAgent } from '../../agents/names.js';
import type { Backbone } from '../../model/backbone.js';
import { scoreSequence } from '../../model/score.js';
import { generatedAnalysis, windowOf } from '../evaluation/teacher-forcing.js';
import { accuracy, crossEntropy } from '../finetune/evaluation.js';
import type { Sums } from '../finetune/graphs.js';
import { windowIn } from '../finetune/shown-window.js';
import type { TrainingRow } from '../finetune/sequences.js';
import type { FailedRow } from './experiment.js';
import { total } from './intervals.js';
import type { Lab } from './lab.js';
import { measure } from './measuring.js';
import { writePatch } from './patch-writing.js';
import { attempt } from './rows-that-fail.js';

/** What both agents answer to one row. */
export interface PairSample {
  readonly row: string;
  readonly source: string;
  readonly analysis: string;
  /** Empty if none came to an end. */
  readonly diff: string;
}

/** Both agents on test rows (row 87 of the seed inventory), row by row. */
export interface Snapshot {
  readonly issue: readonly Sums[];
  readonly code_raw: readonly Sums[];
  readonly code_gold_gist: readonly Sums[];
  /** On the first rows only: an analysis takes seconds to write. */
  readonly code_generated_gist: readonly Sums[];
  readonly samples: readonly PairSample[];
  readonly failed: readonly FailedRow[];
}

/** Rows on which analyses are written, and those of them for which a patch is written, too. */
export interface SnapshotSize {
  readonly generated: number;
  readonly samples: number;
}

export type Pair = Readonly<Record<RequiredAgent, Agent>>;

/** Measures a pair of agents. Sources need not be encoded before. Throws `ModelError`, `TrainingError`. */
export async function snapshot(
  lab: Lab,
  pair: Pair,
  rows: readonly TrainingRow[],
  size: SnapshotSize,
  detail: (text: string) => void,
): Promise<Snapshot> {
  const { signal } = lab.context;
  await lab.encode(rows, detail);
  const graphs = await lab.graphs();
  const options = { symbols: await lab.tokenizer(), signal };
  const { 'issue-analysis': analyst, 'code-generation': coder } = pair;
  detail('held-out rows');
  const issue = await measure(graphs, analyst.tensors, rows, 'analysis', options);
  const raw = await measure(graphs, coder.tensors, rows, 'patch_alone', options);
  const gold = await measure(graphs, coder.tensors, rows, 'patch_given_analysis', options);
  const failed: FailedRow[] = [];
  const generated: Sums[] = [];
  const samples: PairSample[] = [];
  for (const [at, row] of rows.slice(0, size.generated).entries()) {
    detail(`analysis ${at + 1} of ${size.generated}`);
    const made = await attempt(failed, row.id, 'generate', async () =>
      generate(await lab.backbone(), pair, row, at < size.samples, signal),
    );
    if (made) generated.push(made.sums);
    if (made?.sample) samples.push(made.sample);
  }
  return {
    issue: issue.rows,
    code_raw: raw.rows,
    code_gold_gist: gold.rows,
    code_generated_gist: generated,
    samples,
    failed,
  };
}

async function generate(
  backbone: Backbone,
  pair: Pair,
  row: TrainingRow,
  isSample: boolean,
  signal: AbortSignal,
): Promise<{ readonly sums: Sums; readonly sample: PairSample | undefined }> {
  const { tokenizer } = backbone;
  const { 'issue-analysis': analyst, 'code-generation': coder } = pair;
  const shown = windowIn(row.sourceIds, tokenizer);
  if (!shown) throw new RangeError('shows no window');
  const memory = await backbone.encode(row.sourceIds, signal);
  const analysis = await generatedAnalysis(backbone, memory, analyst, shown);
  const prompt = [tokenizer.special.analyse, ...analysis];
  const score = await scoreSequence(backbone, memory, coder, prompt, [...row.patchIds, tokenizer.eos]);
  const sums = { loss: score.loss, correct: score.correct, count: score.tokens };
  if (!isSample) return { sums, sample: undefined };
  const written = await writePatch(backbone, memory, coder, windowOf(shown), prompt, signal);
  const sample = {
    row: row.id,
    source: tokenizer.decode(row.sourceIds),
    analysis: tokenizer.decode(analysis),
    diff: written?.diff ?? '',
  };
  return { sums, sample };
}

/** The parts of a snapshot that are figures. */
export const FIGURES = ['issue', 'code_raw', 'code_gold_gist', 'code_generated_gist'] as const;

export type Figure = (typeof FIGURES)[number];

/** A snapshot's figures with the seed's keys: `issue_ce`, `issue_tok_acc`, … */
export function seedKeys(of: Pick<Snapshot, Figure>): Record<string, number> {
  return Object.fromEntries(
    FIGURES.flatMap((figure) => {
      const sums = total(of[figure]);
      return [
        [`${figure}_ce`, crossEntropy(sums)],
        [`${figure}_tok_acc`, accuracy(sums)],
      ];
    }),
  );
}
