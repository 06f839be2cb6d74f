import { Counter, Gauge, type Registry } from 'prom-client';
import { REQUIRED_AGENTS } from '../../agents/names.js';
import type { ReleaseScores } from '../inference/messages.js';
import type { Label } from '../releases/state.js';
import { prefix } from './names.js';

/** The agents' scores on the held-out rows. */
export class ProbeMetrics {
  readonly crossEntropy;
  readonly accuracy;
  readonly runs;

  constructor(registry: Registry) {
    const registers = [registry];
    this.crossEntropy = new Gauge({
      name: `${prefix}probe_cross_entropy_nats`,
      help: 'Mean cross-entropy per token of the held-out rows; absent until the release is scored.',
      labelNames: ['agent', 'label'] as const,
      registers,
    });
    this.accuracy = new Gauge({
      name: `${prefix}probe_accuracy_ratio`,
      help: 'Share of the tokens of the held-out rows that the agent would have written; absent until the release is scored.',
      labelNames: ['agent', 'label'] as const,
      registers,
    });
    this.runs = new Counter({
      name: `${prefix}probe_runs_total`,
      help: 'Releases scored on the held-out rows, by outcome.',
      labelNames: ['outcome'] as const,
      registers,
    });
    for (const outcome of ['scored', 'failed']) this.runs.inc({ outcome }, 0);
  }

  /** Shows the scores of the release behind a label, or that it has none. */
  show(label: Label, scores: ReleaseScores | undefined): void {
    for (const agent of REQUIRED_AGENTS) {
      if (scores) {
        this.crossEntropy.set({ agent, label }, scores[agent].cross_entropy);
        this.accuracy.set({ agent, label }, scores[agent].accuracy);
      } else {
        this.crossEntropy.remove({ agent, label });
        this.accuracy.remove({ agent, label });
      }
    }
  }
}
