import { scoreSequence } from '../../model/score.js';
import type { Backbone } from '../../model/backbone.js';
import type { Sums } from '../finetune/graphs.js';
import type { FailedRow } from './experiment.js';
import { writeFreely } from './free-writing.js';
import type { Lab } from './lab.js';
import { measure } from './measuring.js';
import { attempt } from './rows-that-fail.js';
import type { Written } from './seed-metrics.js';
import type { Pair } from './snapshot.js';
import type { SweBenchRow } from './swe-bench-rows.js';

/** Both agents on the seed's test rows, in the seed's texts. */
export interface SweBenchState {
  readonly issue: readonly Sums[];
  readonly code_raw: readonly Sums[];
  readonly code_gold_gist: readonly Sums[];
  /** On the rows of `written`. */
  readonly code_generated_gist: readonly Sums[];
  readonly written: readonly (Written & { readonly row: string })[];
  readonly failed: readonly FailedRow[];
}

/** Most tokens of what is written, as in the seed (row 54). */
const MAX_GIST = 256;
const MAX_CODE = 96;

/** Measures a pair on rows, and lets it write on the first `samples` of them: nothing that is written is replaced or repaired. */
export async function stateOf(
  lab: Lab,
  pair: Pair,
  rows: readonly SweBenchRow[],
  samples: number,
  detail: (text: string) => void,
): Promise<SweBenchState> {
  const { signal } = lab.context;
  const whole = rows.map(({ row }) => row);
  const code = rows.map((row) => row.code);
  await lab.encode(whole, detail);
  const graphs = await lab.graphs();
  const options = { symbols: await lab.tokenizer(), signal };
  const { 'issue-analysis': analyst, 'code-generation': coder } = pair;
  detail('test rows');
  const issue = await measure(graphs, analyst.tensors, whole, 'analysis', options);
  const raw = await measure(graphs, coder.tensors, code, 'patch_alone', options);
  const gold = await measure(graphs, coder.tensors, code, 'patch_given_analysis', options);
  const failed: FailedRow[] = [];
  const generated: Sums[] = [];
  const written: SweBenchState['written'][number][] = [];
  for (const [at, row] of rows.slice(0, samples).entries()) {
    detail(`writing ${at + 1} of ${samples}`);
    const made = await attempt(failed, row.row.id, 'generate', async () =>
      write(await lab.backbone(), pair, row, signal),
    );
    if (!made) continue;
    generated.push(made.sums);
    written.push(made.written);
  }
  return {
    issue: issue.rows,
    code_raw: raw.rows,
    code_gold_gist: gold.rows,
    code_generated_gist: generated,
    written,
    failed,
  };
}

async function write(
  backbone: Backbone,
  pair: Pair,
  { row }: SweBenchRow,
  signal: AbortSignal,
): Promise<{ readonly sums: Sums; readonly written: SweBenchState['written'][number] }> {
  const { special, eos } = backbone.tokenizer;
  const memory = await backbone.encode(row.sourceIds, signal);
  const gist = await writeFreely(backbone, memory, pair['issue-analysis'], [special.analyse], {
    maxTokens: MAX_GIST,
    ends: [special.patch, eos],
    signal,
  });
  const room = backbone.config.max_target_tokens - row.patchIds.length - 3;
  const prompt = [special.analyse, ...gist.tokens.slice(0, Math.max(0, room)), special.patch];
  const coder = pair['code-generation'];
  const score = await scoreSequence(backbone, memory, coder, prompt, [...row.patchIds, eos]);
  const code = await writeFreely(backbone, memory, coder, [special.analyse, ...gist.tokens, special.patch], {
    maxTokens: MAX_CODE,
    ends: [eos],
    signal,
  });
  return {
    sums: { loss: score.loss, correct: score.correct, count: score.tokens },
    written: { row: row.id, gist: gist.text, code: code.text },
  };
}
