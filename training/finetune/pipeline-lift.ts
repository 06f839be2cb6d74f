import type { AgentTensors } from '../../model/agent-tensors.js';
import { loadBackbone, type Backbone } from '../../model/backbone.js';
import { throwIfAborted } from '../../model/errors.js';
import type { Tokenizer } from '../../model/tokenizer.js';
import { scoreSequence, type Score } from '../../model/score.js';
import { generatedAnalysis, type AnalysedWindow } from '../evaluation/teacher-forcing.js';
import type { Estimate } from '../evaluation/statistics.js';
import { crossEntropy } from './evaluation.js';
import { NO_SUMS, plus, type Sums } from './graphs.js';
import { pairedDifference } from './paired-bootstrap.js';
import type { TrainingRow } from './sequences.js';

/** Writing an analysis takes a second or two at full size, so the lift is measured on so many rows, evenly spread. */
const MAX_ROWS = 64;

/** What analyses do for the patch: its cross-entropy, nats per token, by what the code agent reads before it. */
export interface PipelineLift {
  readonly rows: number;
  readonly without_analysis: number;
  readonly own_analysis: number;
  readonly given_analysis: number;
  /** How much lower the cross-entropy is than without an analysis, in per cent. */
  readonly own_lift_percent: Estimate;
  readonly given_lift_percent: Estimate;
}

/** The two agents that work together. */
export interface AgentPair {
  readonly analyst: AgentTensors;
  readonly coder: AgentTensors;
}

/**
 * Measures the lift on rows with an analysis whose source shows a window; undefined if there are none. Tells after each
 * row how many are done. Throws `ModelError`.
 */
export async function pipelineLift(
  rows: readonly TrainingRow[],
  { analyst, coder }: AgentPair,
  options: {
    readonly modelDir: string;
    readonly threads: number;
    readonly seed: number;
    readonly onRow?: ((done: number, total: number) => void) | undefined;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<PipelineLift | undefined> {
  const backbone = await loadBackbone({ directory: options.modelDir, threads: options.threads });
  try {
    const { tokenizer } = backbone;
    const usable = rows.flatMap((row) => {
      const window = row.analysisIds.length > 0 ? windowIn(row.sourceIds, tokenizer) : undefined;
      return window ? [{ row, window }] : [];
    });
    const step = Math.max(1, usable.length / MAX_ROWS);
    const chosen = Array.from({ length: Math.ceil(usable.length / step) }, (_, at) => usable[Math.floor(at * step)]!);
    const scores: Record<'without' | 'own' | 'given', Sums>[] = [];
    for (const { row, window } of chosen) {
      throwIfAborted(options.signal);
      scores.push(await scoresOf(row, window, backbone, { analyst, coder }));
      options.onRow?.(scores.length, chosen.length);
    }
    if (scores.length === 0) return undefined;
    const [without, own, given] = (['without', 'own', 'given'] as const).map((name) => scores.map((of) => of[name]));
    const mean = (sums: readonly Sums[]): number => crossEntropy(sums.reduce(plus, NO_SUMS));
    return {
      rows: scores.length,
      without_analysis: mean(without!),
      own_analysis: mean(own!),
      given_analysis: mean(given!),
      own_lift_percent: pairedDifference(without!, own!, options.seed).improvement_percent,
      given_lift_percent: pairedDifference(without!, given!, options.seed).improvement_percent,
    };
  } finally {
    await backbone.close();
  }
}

async function scoresOf(
  row: TrainingRow,
  window: AnalysedWindow,
  backbone: Backbone,
  { analyst, coder }: AgentPair,
): Promise<Record<'without' | 'own' | 'given', Sums>> {
  const { analyse, patch } = backbone.tokenizer.special;
  const memory = await backbone.encode(row.sourceIds);
  const own = await generatedAnalysis(backbone, memory, analyst, window);
  const target = [...row.patchIds, backbone.tokenizer.eos];
  const after = async (prompt: readonly number[]): Promise<Sums> =>
    sumsOf(await scoreSequence(backbone, memory, coder, prompt, target));
  return {
    without: await after([patch]),
    own: await after([analyse, ...own]),
    given: await after([analyse, ...row.analysisIds, patch]),
  };
}

function sumsOf({ loss, correct, tokens }: Score): Sums {
  return { loss, correct, count: tokens };
}

/** The window that an encoder text shows; undefined if it shows none, as rows of tokens may. */
export function windowIn(sourceIds: readonly number[], tokenizer: Tokenizer): AnalysedWindow | undefined {
  const { file, code } = tokenizer.special;
  const [pathAt, codeAt] = [sourceIds.indexOf(file), sourceIds.indexOf(code)];
  if (pathAt < 0 || codeAt < pathAt) return undefined;
  const text = (start: number, end?: number): string[] => tokenizer.decode(sourceIds.slice(start, end)).split('\n');
  const [heading, ...lines] = text(codeAt + 1);
  const [title] = text(1, pathAt);
  const [path] = text(pathAt + 1, codeAt);
  if (lines.every((line) => line.trim() === '')) return undefined;
  return { issue: { title: title! }, path: path!, heading: heading!, lines: lines.slice(0, -1), sourceIds };
}
