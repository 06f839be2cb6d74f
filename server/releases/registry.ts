import { createHash } from 'node:crypto';
import type { InferenceHost } from '../inference/host.js';
import type { AgentPayload, Release } from '../inference/messages.js';
import { generationsOf } from '../inference/release.js';
import { wanted, type Label, type ReleaseState } from './state.js';

/** A release held for one request: its agents stay until `end`. */
export interface Lease {
  readonly release: Release;
  readonly label: Label;
  /** May be called twice. */
  end(): void;
}

/**
 * Which releases are served, and which generations the workers hold. All of it is in memory and changes in one turn:
 * `pin` and `change` do no I/O and wait for nothing.
 *
 * A release is *labelled* (stable, canary, or the one a rollback goes back to), *retired* (only leases hold it), or gone.
 * Retired → gone when its last lease ends; then the workers forget each generation that no other release needs.
 */
export class ReleaseRegistry {
  readonly #host: Pick<InferenceHost, 'addAgents' | 'dropAgents' | 'serve'>;
  #state: ReleaseState | undefined;
  /** Leases by release id. */
  readonly #leases = new Map<string, { readonly release: Release; count: number }>();
  readonly #resident = new Set<string>();

  constructor(host: Pick<InferenceHost, 'addAgents' | 'dropAgents' | 'serve'>) {
    this.#host = host;
  }

  /** Undefined until the first release is loaded. */
  get state(): ReleaseState | undefined {
    return this.#state;
  }

  /** Generations the workers hold. */
  get resident(): ReadonlySet<string> {
    return this.#resident;
  }

  /** Releases with running requests. */
  get leased(): readonly { readonly release: Release; readonly leases: number }[] {
    return [...this.#leases.values()].map(({ release, count }) => ({ release, leases: count }));
  }

  /** The first state; the workers already hold the agents of its stable release. */
  begin(state: ReleaseState): void {
    this.#state = state;
    for (const generation of generationsOf(state.stable)) this.#resident.add(generation);
  }

  /** Gives the workers agents that a coming change needs. */
  hold(agents: readonly AgentPayload[]): void {
    for (const { generation } of agents) this.#resident.add(generation);
    if (agents.length > 0) this.#host.addAgents(agents);
  }

  /** The swap: the next request that is pinned gets the new state. The agents of what it labels must be held, except that of `previous`. */
  change(state: ReleaseState): void {
    this.#state = state;
    this.#host.serve(state.stable);
    this.collect();
  }

  /** Picks the release of one request: the same key gets the same release while labels and weight stay as they are. */
  pin(key: string): Lease {
    const state = this.#state;
    if (!state) throw new Error('This is a bug: no release is loaded.');
    const { canary } = state;
    const isCanary = canary !== null && shareOf(canary.release.id, key) < canary.weight;
    const release = isCanary ? canary.release : state.stable;
    const entry = this.#leases.get(release.id) ?? { release, count: 0 };
    entry.count += 1;
    this.#leases.set(release.id, entry);
    let ended = false;
    return {
      release,
      label: isCanary ? 'canary' : 'stable',
      end: () => {
        if (ended) return;
        ended = true;
        entry.count -= 1;
        if (entry.count > 0) return;
        this.#leases.delete(release.id);
        this.collect();
      },
    };
  }

  /** Lets the workers forget what neither a label nor a lease needs. */
  collect(): void {
    if (!this.#state) return;
    const leased = [...this.#leases.values()].map(({ release }) => release);
    const needed = new Set([...wanted(this.#state), ...leased].flatMap(generationsOf));
    const dropped = [...this.#resident].filter((generation) => !needed.has(generation));
    for (const generation of dropped) this.#resident.delete(generation);
    if (dropped.length > 0) this.#host.dropAgents(dropped);
  }
}

/** A number from 0 to 1 (exclusive) that depends on nothing but the two texts. Another canary draws other keys. */
function shareOf(canary: string, key: string): number {
  return createHash('sha256').update(`${canary} ${key}`).digest().readUInt32BE(0) / 2 ** 32;
}
