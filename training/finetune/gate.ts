import type { Difference } from './paired-bootstrap.js';
import type { Trial } from './trial.js';

/** Whether a candidate may take the place of the agent it was made from. */
export interface Verdict {
  readonly publishable: boolean;
  /** What speaks against it; empty if nothing does. */
  readonly reasons: readonly string[];
}

/** What the gate looks at. */
export interface Evidence {
  readonly difference: Difference;
  /** Least improvement of the held-out cross-entropy, in per cent. */
  readonly margin: number;
  readonly filesChanged: readonly string[];
  readonly trial: Trial;
}

/** Publishable is what is better on held-out rows by the margin, not by chance, changed nothing but itself, and serves. */
export function judge({ difference, margin, filesChanged, trial }: Evidence): Verdict {
  const reasons: string[] = [];
  const { improvement_percent: improvement, cross_entropy: nats } = difference;
  if (improvement.value < margin) {
    reasons.push(`held-out cross-entropy improves by ${improvement.value.toFixed(2)} %, less than ${margin} %`);
  }
  if (nats.low <= 0) {
    reasons.push(`the improvement may be chance: ${nats.low.toFixed(4)} to ${nats.high.toFixed(4)} nats per token`);
  }
  if (filesChanged.length > 0) reasons.push(`files outside the agent have changed: ${filesChanged.join(', ')}`);
  if (trial.fault) reasons.push(`a copy of it does not serve: ${trial.fault.code}: ${trial.fault.message}`);
  return { publishable: reasons.length === 0, reasons };
}
