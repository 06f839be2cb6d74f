import { AppError } from '../errors.js';
import type { AgentChecker, CheckedAgent } from '../inference/agent-checker.js';
import type { AgentCard, AgentFiles, AgentPayload, Release } from '../inference/messages.js';
import { agentsOf, generationsOf } from '../inference/release.js';
import type { AgentStore } from './agent-store.js';
import type { ReleaseRegistry } from './registry.js';

/** What a loader works with. */
export interface LoaderParts {
  readonly store: AgentStore;
  readonly checker: Pick<AgentChecker, 'check'>;
  readonly registry: ReleaseRegistry;
  readonly limits: { readonly maxAgentBytes: number; readonly maxResident: number };
}

/** The way of an agent: file → checks → store → memory of the workers. Labels are not its business. */
export class AgentLoader {
  readonly #parts: LoaderParts;
  /** The agent added last: it is published next as a rule, and need not be read and checked again then. */
  #latest: CheckedAgent | undefined;

  constructor(parts: LoaderParts) {
    this.#parts = parts;
  }

  /** Checks and stores the files that a new store begins with. */
  async storeFirst(release: Release, files: AgentFiles): Promise<void> {
    const { store, checker, registry, limits } = this.#parts;
    for (const [agent, generation] of agentsOf(release)) {
      const file = files[agent]!;
      const checked = await checker.check(file, limits.maxAgentBytes);
      checkRole(checked, agent, generation);
      await store.adopt(file, checked.card, registry.resident);
    }
  }

  /**
   * Checks and stores the file that `stage` writes; agents of `labelled` releases and those in memory keep their place. Throws what
   * `stage` throws, and AppError with the code of the file's fault.
   */
  async add(stage: (file: string) => Promise<void>, labelled: readonly Release[]): Promise<AgentCard> {
    const { store, checker, registry, limits } = this.#parts;
    const staged = store.stagingFile();
    try {
      await stage(staged);
      const checked = await checker.check(staged, limits.maxAgentBytes);
      await store.adopt(staged, checked.card, new Set([...labelled.flatMap(generationsOf), ...registry.resident]));
      this.#latest = checked;
      return checked.card;
    } catch (error) {
      await store.discard(staged);
      throw error;
    }
  }

  /** Gives the workers the agents of a release that they do not hold, checked. */
  async hold(release: Release): Promise<void> {
    const { store, checker, registry, limits } = this.#parts;
    const missing: AgentPayload[] = [];
    for (const [agent, generation] of agentsOf(release)) {
      if (registry.resident.has(generation)) continue;
      if (!(await store.has(generation))) {
        throw new AppError('generation_not_found', `No agent of the generation ${generation} is stored.`);
      }
      const isLatest = this.#latest?.card.generation === generation;
      const checked = isLatest ? this.#latest! : await checker.check(store.fileOf(generation), limits.maxAgentBytes);
      checkRole(checked, agent, generation);
      await store.touch(generation);
      missing.push(checked.payload);
    }
    if (registry.resident.size + missing.length > limits.maxResident) {
      throw new AppError('resident_limit', `${registry.resident.size} agents are in memory (MAX_RESIDENT_AGENTS).`);
    }
    registry.hold(missing);
  }
}

/** A stored file is taken for what it says itself, not for its name. */
function checkRole({ card }: CheckedAgent, agent: string, generation: string): void {
  if (card.generation !== generation) throw new AppError('agent_corrupted', 'The stored agent has changed on disk.');
  if (card.agent !== agent)
    throw new AppError('agent_wrong_name', `${generation} is the agent ${card.agent}, not ${agent}.`);
}
