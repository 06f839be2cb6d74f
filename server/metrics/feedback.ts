import { Gauge, type Registry } from 'prom-client';
import type { Verdict } from '../feedback/record.js';
import { prefix } from './names.js';

/** What users say about the answers. */
export class FeedbackMetrics {
  readonly verdicts;
  readonly acceptanceRatio;

  constructor(registry: Registry) {
    const registers = [registry];
    this.verdicts = new Gauge({
      name: `${prefix}feedback`,
      help: 'Answers kept with a verdict, by their latest verdict.',
      labelNames: ['verdict'] as const,
      registers,
    });
    this.acceptanceRatio = new Gauge({
      name: `${prefix}feedback_acceptance_ratio`,
      help: 'Share of the answers kept with a verdict that were accepted; 0 while there are none.',
      registers,
    });
  }

  /** Shows the verdicts that are kept. */
  show(counts: Readonly<Record<Verdict, number>>): void {
    let total = 0;
    for (const [verdict, count] of Object.entries(counts)) {
      this.verdicts.set({ verdict }, count);
      total += count;
    }
    this.acceptanceRatio.set(total === 0 ? 0 : counts.accepted / total);
  }
}
