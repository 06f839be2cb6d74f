import { accuracy, crossEntropy, evaluateAgent } from '../finetune/evaluation.js';
import type { LearningGraphs, Sums } from '../finetune/graphs.js';
import type { Numbers } from '../finetune/optimiser.js';
import type { Sequence } from '../finetune/sequences.js';
import type { MoeGraphs } from './graphs.js';
import type { MoeNumbers } from './tensors.js';

/** What a role does on held-out rows. */
export interface Measured {
  /** Nats per token. */
  readonly crossEntropy: number;
  readonly accuracy: number;
  readonly rows: readonly Sums[];
  /** Of a mixture: the share of the routes that each expert got, by layer [L][E]. */
  readonly routes?: readonly (readonly number[])[];
}

/** How to measure: rows that the sequences belong to, and sequences at a time. */
export interface MeasureOptions {
  readonly rows: number;
  readonly microBatch: number;
  readonly signal?: AbortSignal | undefined;
}

/** Measures tensors on sequences. Throws `ModelError`. */
export async function measure<Name extends string>(
  graphs: Pick<LearningGraphs<Name>, 'evaluate'>,
  numbers: Numbers<Name>,
  sequences: readonly Sequence[],
  options: MeasureOptions,
): Promise<Measured> {
  const { rows, total } = await evaluateAgent(graphs, numbers, sequences, options);
  return { crossEntropy: crossEntropy(total), accuracy: accuracy(total), rows };
}

/** Measures a mixture, and where it sends the tokens. Throws `ModelError`. */
export async function measureMixture(
  graphs: Pick<MoeGraphs, 'evaluate' | 'sizes'>,
  mixture: MoeNumbers,
  sequences: readonly Sequence[],
  options: MeasureOptions,
): Promise<Measured> {
  let counts: number[] = [];
  const counted: Pick<LearningGraphs<keyof MoeNumbers>, 'evaluate'> = {
    evaluate: async (part, numbers) => {
      const found = await graphs.evaluate(part, numbers);
      for (const { routed } of found) counts = [...routed].map((count, at) => count + (counts[at] ?? 0));
      return found;
    },
  };
  const measured = await measure(counted, mixture, sequences, options);
  return { ...measured, routes: shares(counts, graphs.sizes.experts) };
}

function shares(counts: readonly number[], experts: number): number[][] {
  return Array.from({ length: counts.length / experts }, (_, layer) => {
    const own = counts.slice(layer * experts, (layer + 1) * experts);
    const sum = own.reduce((a, b) => a + b, 0);
    return own.map((count) => count / sum);
  });
}
