import type { Outcome } from '../metrics.js';
import type { Label } from './state.js';

/** When a canary is given up. */
export interface CanaryLimits {
  /** Requests each label must have answered first. */
  readonly minRequests: number;
  /** How much smaller its share of answers with a patch that applies may be than that of stable, 0 to 1. */
  readonly margin: number;
  /** How many times as long as stable it may take in the mean. */
  readonly slowdown: number;
}

interface Tally {
  requests: number;
  applies: number;
  seconds: number;
}

/** Compares what canary and stable answered since the canary was published. */
export class CanaryWatch {
  readonly #limits: CanaryLimits;
  readonly #onVerdict: (reason: string) => void;
  readonly #tallies: Record<Label, Tally> = { stable: none(), canary: none() };

  /** `onVerdict` is told why the canary is to be rolled back, again after each request until `reset`. */
  constructor(limits: CanaryLimits, onVerdict: (reason: string) => void) {
    this.#limits = limits;
    this.#onVerdict = onVerdict;
  }

  /** Forgets everything: another canary begins. */
  reset(): void {
    this.#tallies.stable = none();
    this.#tallies.canary = none();
  }

  /** Counts the end of a request. A client that left says nothing about the agents. */
  observe(label: Label, outcome: Outcome, seconds: number): void {
    if (outcome === 'cancelled') return;
    const tally = this.#tallies[label];
    tally.requests += 1;
    tally.seconds += seconds;
    if (outcome === 'applies') tally.applies += 1;
    const reason = this.#verdict();
    if (reason !== undefined) this.#onVerdict(reason);
  }

  #verdict(): string | undefined {
    const { stable, canary } = this.#tallies;
    const { minRequests, margin, slowdown } = this.#limits;
    if (stable.requests < minRequests || canary.requests < minRequests) return undefined;
    const after = `after ${canary.requests} requests (stable: ${stable.requests})`;
    const quality = { stable: stable.applies / stable.requests, canary: canary.applies / canary.requests };
    if (quality.canary < quality.stable - margin) {
      return `quality: ${percent(quality.canary)} of its answers apply, ${percent(quality.stable)} of those of stable, ${after}`;
    }
    const mean = { stable: stable.seconds / stable.requests, canary: canary.seconds / canary.requests };
    if (mean.canary > mean.stable * slowdown) {
      return `latency: ${mean.canary.toFixed(3)} s in the mean, stable ${mean.stable.toFixed(3)} s, ${after}`;
    }
    return undefined;
  }
}

function none(): Tally {
  return { requests: 0, applies: 0, seconds: 0 };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
