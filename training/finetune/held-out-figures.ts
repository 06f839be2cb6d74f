import { ratio } from '../evaluation/statistics.js';
import { accuracy, crossEntropy, type Evaluated } from './evaluation.js';

/** An agent on the held-out rows. */
export interface Figures {
  /** Nats per token. */
  readonly cross_entropy: number;
  /** Its 95 % interval, by a bootstrap over rows. */
  readonly cross_entropy_interval: readonly [low: number, high: number];
  /** The same for each byte of text that was to be written: comparable between tokenizers. */
  readonly bits_per_byte: number;
  readonly mean_token_accuracy: number;
  readonly mean_token_accuracy_interval: readonly [low: number, high: number];
  readonly tokens: number;
}

/** What was measured on held-out targets that have so many bytes of text. The same rows and seed give the same intervals. */
export function figuresOf({ rows, total }: Evaluated, bytes: number, seed: number): Figures {
  const interval = (of: 'loss' | 'correct'): [number, number] => {
    const { low, high } = ratio(
      rows.map((sums) => ({ top: sums[of], bottom: sums.count })),
      seed,
    )!;
    return [low, high];
  };
  return {
    cross_entropy: crossEntropy(total),
    cross_entropy_interval: interval('loss'),
    bits_per_byte: total.loss / Math.LN2 / bytes,
    mean_token_accuracy: accuracy(total),
    mean_token_accuracy_interval: interval('correct'),
    tokens: total.count,
  };
}
