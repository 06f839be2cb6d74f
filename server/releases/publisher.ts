import { AppError } from '../errors.js';
import type { AgentCard, AgentFiles, AgentPayload, EngineInfo, Release } from '../inference/messages.js';
import type { AgentChecker, CheckedAgent } from '../inference/agent-checker.js';
import { generationsOf, releaseOf } from '../inference/release.js';
import type { AgentStore } from './agent-store.js';
import { StoreError, type Journal } from './journal.js';
import type { ReleaseRegistry } from './registry.js';
import {
  labelled,
  promoted,
  published,
  rolledBack,
  type HistoryEntry,
  type Label,
  type ReleaseState,
} from './state.js';

/** What a publish asks for. */
export interface PublishRequest {
  readonly label: Label;
  /** Id of the release the label points to now; null for no canary. */
  readonly expected: string | null;
  /** Share of the requests for a canary, 0 to 1. */
  readonly weight: number;
  /** Generations; one that is not given stays that of stable. */
  readonly issueAnalysis?: string;
  readonly codeGeneration?: string;
}

/** Told to whoever listens. */
export type PublisherEvent =
  { readonly type: 'release'; readonly entry: HistoryEntry } | { readonly type: 'agent'; readonly card: AgentCard };

/** What a publisher works with. */
export interface PublisherParts {
  readonly store: AgentStore;
  readonly journal: Journal;
  readonly checker: Pick<AgentChecker, 'check'>;
  readonly registry: ReleaseRegistry;
  readonly limits: { readonly maxAgentBytes: number; readonly maxResident: number };
}

/**
 * Every change of agents and labels, one at a time: a second one that comes meanwhile is refused with `publish_busy`.
 * Order of a change: check → agents to the workers → journal flushed → labels moved. A failure at any step leaves what is served.
 */
export class Publisher {
  readonly #parts: PublisherParts;
  readonly #listeners = new Set<(event: PublisherEvent) => void>();
  #busy = false;

  constructor(parts: PublisherParts) {
    this.#parts = parts;
  }

  /** The journal's last state; undefined for a new store. */
  static lastState(journal: Journal): ReleaseState | undefined {
    return journal.entries.at(-1)?.state;
  }

  /** Calls back for each change until the returned function is called. */
  listen(listener: (event: PublisherEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get history(): readonly HistoryEntry[] {
    return this.#parts.journal.entries;
  }

  /**
   * Takes over what the workers were started with. In a new store their files (`staged`) are checked and stored. A canary of
   * the journal is loaded first and gets its requests then. Throws StoreError when the workers serve something else than the
   * journal says.
   */
  async begin({ release }: EngineInfo, staged: AgentFiles | undefined): Promise<void> {
    const { journal, registry } = this.#parts;
    const last = Publisher.lastState(journal);
    if (last && last.stable.id !== release.id) {
      throw new StoreError('A stored agent is not the one that its name says: the store is damaged.');
    }
    registry.begin(last ? { ...last, canary: null } : { stable: release, canary: null, previous: [] });
    await this.#exclusive(async () => {
      if (!last) {
        if (staged) await this.#store(release, staged);
        await this.#record('start', 'stable', registry.state!, null);
        return;
      }
      if (!last.canary) return;
      try {
        await this.#hold(last.canary.release);
        registry.change(last);
      } catch (error) {
        const reason = `restart: ${error instanceof AppError ? error.code : 'internal_error'}`;
        await this.#record('automatic_rollback', 'canary', { ...last, canary: null }, reason);
      }
    });
  }

  /** Checks and stores a file that `stage` writes. Throws what it throws, and AppError with the code of the file's fault. */
  addAgent(stage: (file: string) => Promise<void>): Promise<AgentCard> {
    return this.#exclusive(async () => {
      const { store, checker, registry, limits } = this.#parts;
      const { stable, canary, previous } = this.#state();
      const used = [stable, canary?.release, ...previous].filter((release) => release !== undefined);
      const staged = store.stagingFile();
      try {
        await stage(staged);
        const { card } = await checker.check(staged, limits.maxAgentBytes);
        await store.adopt(staged, card, new Set([...used.flatMap(generationsOf), ...registry.resident]));
        this.#tell({ type: 'agent', card });
        return card;
      } catch (error) {
        await store.discard(staged);
        throw error;
      }
    });
  }

  /**
   * Moves a label to a pair, if it still points to the expected release. The same pair again changes nothing. Throws AppError
   * `release_conflict`, `generation_not_found`, `agent_wrong_name`, `resident_limit`, the codes of the checks, `publish_busy`,
   * `store_unavailable`.
   */
  publish(request: PublishRequest): Promise<ReleaseState> {
    return this.#exclusive(async () => {
      const state = this.#state();
      const { label, weight } = request;
      const release = releaseOf(
        request.issueAnalysis ?? state.stable.issue_analysis,
        request.codeGeneration ?? state.stable.code_generation,
      );
      const isSame =
        labelled(state, label)?.id === release.id && (label === 'stable' || state.canary?.weight === weight);
      if (isSame) return state;
      this.#expect(state, label, request.expected);
      await this.#hold(release);
      return this.#change('publish', label, published(state, label, release, weight), null);
    });
  }

  /** Makes the canary stable, if it is the expected release. */
  promote(expected: string): Promise<ReleaseState> {
    return this.#exclusive(async () => {
      const state = this.#state();
      this.#expect(state, 'canary', expected);
      return this.#change('promote', 'stable', promoted(state)!, null);
    });
  }

  /** Stable goes back to the release before it, or a canary is taken away. */
  rollback(label: Label, expected: string, reason: string | null = null): Promise<ReleaseState> {
    return this.#exclusive(async () => {
      const state = this.#state();
      this.#expect(state, label, expected);
      const next = rolledBack(state, label);
      if (!next) throw new AppError('nothing_to_roll_back', `There is no release before the present ${label} one.`);
      await this.#hold(next.stable);
      return this.#change(reason === null ? 'rollback' : 'automatic_rollback', label, next, reason);
    });
  }

  async #store(release: Release, files: AgentFiles): Promise<void> {
    const { store, checker, registry, limits } = this.#parts;
    const [analysis, code] = generationsOf(release);
    for (const [file, agent, generation] of [
      [files.issueAnalysis, 'issue-analysis', analysis],
      [files.codeGeneration, 'code-generation', code],
    ] as const) {
      const checked = await checker.check(file, limits.maxAgentBytes);
      checkRole(checked, agent, generation);
      await store.adopt(file, checked.card, registry.resident);
    }
  }

  #state(): ReleaseState {
    const { state } = this.#parts.registry;
    if (!state) throw new AppError('not_ready', 'The model is still loading.', { retryAfterSeconds: 1 });
    return state;
  }

  #expect(state: ReleaseState, label: Label, expected: string | null): void {
    const actual = labelled(state, label)?.id ?? null;
    if (actual === expected) return;
    throw new AppError('release_conflict', `The label ${label} points to another release than expected.`, {
      details: [{ path: '/expected_release', message: `is not ${actual ?? 'null'}` }],
    });
  }

  /** Checks the agents of a release that are not in memory and gives them to the workers. */
  async #hold(release: Release): Promise<void> {
    const { store, checker, registry, limits } = this.#parts;
    const missing: AgentPayload[] = [];
    for (const [at, generation] of generationsOf(release).entries()) {
      if (registry.resident.has(generation)) continue;
      if (!(await store.has(generation))) {
        throw new AppError('generation_not_found', `No agent of the generation ${generation} is stored.`);
      }
      const checked = await checker.check(store.fileOf(generation), limits.maxAgentBytes);
      checkRole(checked, at === 0 ? 'issue-analysis' : 'code-generation', generation);
      await store.touch(generation);
      missing.push(checked.payload);
    }
    if (registry.resident.size + missing.length > limits.maxResident) {
      throw new AppError('resident_limit', `${registry.resident.size} agents are in memory (MAX_RESIDENT_AGENTS).`);
    }
    registry.hold(missing);
  }

  async #change(
    action: HistoryEntry['action'],
    label: Label,
    state: ReleaseState,
    reason: string | null,
  ): Promise<ReleaseState> {
    const { registry } = this.#parts;
    try {
      const entry = await this.#record(action, label, state, reason);
      registry.change(state);
      this.#tell({ type: 'release', entry });
      return state;
    } catch (error) {
      registry.collect();
      throw error;
    }
  }

  async #record(
    action: HistoryEntry['action'],
    label: Label,
    state: ReleaseState,
    reason: string | null,
  ): Promise<HistoryEntry> {
    return this.#parts.journal.append({ action, label, reason, state });
  }

  async #exclusive<T>(work: () => Promise<T>): Promise<T> {
    if (this.#busy) {
      throw new AppError('publish_busy', 'Another change is at work.', { retryAfterSeconds: 1 });
    }
    this.#busy = true;
    try {
      return await work();
    } catch (error) {
      if (error instanceof Error && 'syscall' in error) {
        throw new AppError('store_unavailable', 'The store cannot be read or written.', { cause: error });
      }
      throw error;
    } finally {
      this.#busy = false;
    }
  }

  #tell(event: PublisherEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

/** A stored file is taken for what it says itself, not for its name. */
function checkRole({ card }: CheckedAgent, agent: string, generation: string): void {
  if (card.generation !== generation) throw new AppError('agent_corrupted', 'The stored agent has changed on disk.');
  if (card.agent !== agent)
    throw new AppError('agent_wrong_name', `${generation} is the agent ${card.agent}, not ${agent}.`);
}
