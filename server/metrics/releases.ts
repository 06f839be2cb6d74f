import { Counter, Gauge, type Registry } from 'prom-client';
import type { InferenceHost } from '../inference/host.js';
import type { Release } from '../inference/messages.js';
import { agentsOf } from '../inference/release.js';
import type { ReleaseRegistry } from '../releases/registry.js';
import type { ReleaseState } from '../releases/state.js';
import { prefix } from './names.js';

/** Which agents are served, how they changed, and what they hold in memory. */
export class ReleaseMetrics {
  readonly agentInfo;
  readonly changes;
  readonly lastChange;
  readonly loads;
  readonly refusals;
  readonly residentAgents;
  readonly residentBytes;
  readonly leases;

  constructor(registry: Registry) {
    const registers = [registry];
    this.agentInfo = new Gauge({
      name: `${prefix}agent_info`,
      help: 'The generation of each agent behind each label; always 1.',
      labelNames: ['agent', 'label', 'generation'] as const,
      registers,
    });
    this.changes = new Counter({
      name: `${prefix}release_changes_total`,
      help: 'Changes of what the labels point to, by action.',
      labelNames: ['action'] as const,
      registers,
    });
    this.lastChange = new Gauge({
      name: `${prefix}release_last_change_timestamp_seconds`,
      help: 'When the labels changed last; 0 before the first change.',
      registers,
    });
    this.loads = new Counter({
      name: `${prefix}agent_loads_total`,
      help: 'Agent files sent to the server: stored, or refused with an error code.',
      labelNames: ['outcome'] as const,
      registers,
    });
    this.refusals = new Counter({
      name: `${prefix}release_refusals_total`,
      help: 'Changes of releases that were refused, by error code.',
      labelNames: ['code'] as const,
      registers,
    });
    this.residentAgents = new Gauge({
      name: `${prefix}resident_agents`,
      help: 'Agent generations in the memory of each worker.',
      registers,
    });
    this.residentBytes = new Gauge({
      name: `${prefix}resident_agent_bytes`,
      help: 'Bytes of the agents that the workers are given, counted once.',
      registers,
    });
    this.leases = new Gauge({
      name: `${prefix}release_leases`,
      help: 'Requests that hold a release; retired: no label points to it any more.',
      labelNames: ['label'] as const,
      registers,
    });
    this.loads.inc({ outcome: 'stored' }, 0);
    for (const action of ['publish', 'promote', 'rollback', 'automatic_rollback']) this.changes.inc({ action }, 0);
  }

  /** Says which generations are served; earlier ones disappear from the series. */
  show({ stable, canary }: Pick<ReleaseState, 'stable' | 'canary'>): void {
    this.agentInfo.reset();
    const set = (label: string, release: Release): void => {
      for (const [agent, generation] of agentsOf(release)) this.agentInfo.set({ agent, label, generation }, 1);
    };
    set('stable', stable);
    if (canary) set('canary', canary.release);
  }

  /** Counts a change of the labels, made now. */
  changed(action: string): void {
    this.changes.inc({ action });
    this.lastChange.setToCurrentTime();
  }

  /** Counts the end of an admin request that changes something. */
  answered(path: string, code: string | undefined): void {
    if (path === '/v1/agents' || path === '/v1/load_lora_adapter') this.loads.inc({ outcome: code ?? 'stored' });
    else if (path.startsWith('/v1/releases') && code !== undefined) this.refusals.inc({ code });
  }

  /** Reads what changes with every request; called for each scrape. */
  read(
    { resident, leased, state }: Pick<ReleaseRegistry, 'resident' | 'leased' | 'state'>,
    host: Pick<InferenceHost, 'held'>,
  ): void {
    this.residentAgents.set(resident.size);
    let bytes = 0;
    for (const { tensors } of host.held.values()) {
      for (const numbers of Object.values(tensors)) bytes += numbers.byteLength;
    }
    this.residentBytes.set(bytes);
    const counts = { stable: 0, canary: 0, retired: 0 };
    for (const { release, leases } of leased) {
      if (release.id === state?.stable.id) counts.stable += leases;
      else if (release.id === state?.canary?.release.id) counts.canary += leases;
      else counts.retired += leases;
    }
    for (const [label, count] of Object.entries(counts)) this.leases.set({ label }, count);
  }
}
