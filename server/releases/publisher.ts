import { AGENT_NAMES, fieldOf, type AgentField, type AgentName } from '../../agents/names.js';
import { AppError } from '../errors.js';
import type { AgentCard, AgentFiles, EngineInfo } from '../inference/messages.js';
import { releaseOf } from '../inference/release.js';
import { AgentLoader, type LoaderParts } from './agent-loader.js';
import { Exclusive } from './exclusive.js';
import { StoreError, type Journal } from './journal.js';
import {
  changesOnly,
  labelled,
  promoted,
  published,
  rolledBack,
  type HistoryEntry,
  type Label,
  type ReleaseState,
} from './state.js';

/** What a publish asks for: generations by agent; one that is not given stays that of stable. */
export interface PublishRequest extends Readonly<Partial<Record<AgentField, string>>> {
  readonly label: Label;
  /** Id of the release the label points to now; null for no canary. */
  readonly expected: string | null;
  /** Share of the requests for a canary, 0 to 1. */
  readonly weight: number;
}

/** Told to whoever listens. */
export type PublisherEvent =
  | { readonly type: 'release'; readonly entry: HistoryEntry }
  | { readonly type: 'agent'; readonly card: AgentCard }
  /** A file of the watched folder that is not served. */
  | {
      readonly type: 'refused';
      readonly refusal: { readonly file: string; readonly code: string; readonly message: string };
    };

/**
 * Every change of agents and labels, one at a time: a second one that comes meanwhile is refused with `publish_busy`.
 * Order of a change: check → agents to the workers → journal flushed → labels moved. A failure at any step leaves what is served.
 */
export class Publisher {
  readonly #journal: Journal;
  readonly #registry: LoaderParts['registry'];
  readonly #loader: AgentLoader;
  readonly #exclusive = new Exclusive();
  readonly #listeners = new Set<(event: PublisherEvent) => void>();

  constructor(parts: LoaderParts & { readonly journal: Journal }) {
    this.#journal = parts.journal;
    this.#registry = parts.registry;
    this.#loader = new AgentLoader(parts);
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

  /** Tells all listeners. */
  tell(event: PublisherEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  get history(): readonly HistoryEntry[] {
    return this.#journal.entries;
  }

  /**
   * Takes over what the workers were started with. In a new store their files (`staged`) are checked and stored. A canary of
   * the journal is loaded first and gets its requests then. Throws StoreError when the workers serve something else than the
   * journal says.
   */
  async begin({ release }: EngineInfo, staged: AgentFiles | undefined): Promise<void> {
    const last = Publisher.lastState(this.#journal);
    if (last && last.stable.id !== release.id) {
      throw new StoreError('A stored agent is not the one that its name says: the store is damaged.');
    }
    const first = last ? { ...last, canary: null } : { stable: release, canary: null, previous: [] };
    this.#registry.begin(first);
    await this.#exclusive.run(async () => {
      if (!last) {
        if (staged) await this.#loader.storeFirst(release, staged);
        await this.#journal.append({ action: 'start', label: 'stable', reason: null, state: first });
        return;
      }
      if (!last.canary) return;
      try {
        await this.#loader.hold(last.canary.release);
        this.#registry.change(last);
      } catch (error) {
        const reason = `restart: ${error instanceof AppError ? error.code : 'internal_error'}`;
        await this.#journal.append({ action: 'automatic_rollback', label: 'canary', reason, state: first });
      }
    });
  }

  /** Checks and stores a file that `stage` writes. Throws what it throws, and AppError with the code of the file's fault. */
  addAgent(stage: (file: string) => Promise<void>): Promise<AgentCard> {
    return this.#exclusive.run(() => this.#add(stage));
  }

  /**
   * Stores a file and makes it the agent of stable, as one change: nothing gets in between, so nothing need be expected. With
   * `waits` it comes after the changes at work instead of being refused. Throws what `addAgent` and `publish` throw,
   * `agent_wrong_name` when the file is not the agent `role`.
   */
  serveFile(
    stage: (file: string) => Promise<void>,
    options: { readonly role?: AgentName; readonly waits?: boolean } = {},
  ): Promise<AgentCard> {
    const work = async (): Promise<AgentCard> => {
      const card = await this.#add(stage);
      if (options.role !== undefined && card.agent !== options.role) {
        throw new AppError('agent_wrong_name', `The file is the agent ${card.agent}, not ${options.role}.`);
      }
      const change = { [fieldOf(card.agent)]: card.generation };
      await this.#publish({ label: 'stable', weight: 1, expected: this.#state().stable.id, ...change });
      return card;
    };
    return options.waits === true ? this.#exclusive.runWhenFree(work) : this.#exclusive.run(work);
  }

  /**
   * Moves a label to a pair, if it still points to the expected release. The same pair again changes nothing. Throws AppError
   * `release_conflict`, `generation_not_found`, `agent_wrong_name`, `resident_limit`, the codes of the checks, `publish_busy`,
   * `store_unavailable`.
   */
  publish(request: PublishRequest): Promise<ReleaseState> {
    return this.#exclusive.run(() => this.#publish(request));
  }

  /** Makes the canary stable, if it is the expected release. */
  promote(expected: string): Promise<ReleaseState> {
    return this.#exclusive.run(async () => {
      const state = this.#state();
      this.#expect(state, 'canary', expected);
      return this.#change('promote', 'stable', promoted(state)!, null);
    });
  }

  /** Stable goes back to the release before it, or a canary is taken away. */
  rollback(label: Label, expected: string, reason: string | null = null): Promise<ReleaseState> {
    return this.#exclusive.run(async () => {
      const state = this.#state();
      this.#expect(state, label, expected);
      return this.#back(state, label, reason);
    });
  }

  /** Undoes the last change of stable, if it changed this agent and no other. Throws AppError `nothing_to_roll_back`. */
  unload(role: AgentName): Promise<ReleaseState> {
    return this.#exclusive.run(async () => {
      const state = this.#state();
      if (!changesOnly(state, role)) {
        throw new AppError('nothing_to_roll_back', `The last change of stable was not one of ${role} alone.`);
      }
      return this.#back(state, 'stable', null);
    });
  }

  async #add(stage: (file: string) => Promise<void>): Promise<AgentCard> {
    const { stable, canary, previous } = this.#state();
    const card = await this.#loader.add(stage, [stable, ...(canary ? [canary.release] : []), ...previous]);
    this.tell({ type: 'agent', card });
    return card;
  }

  async #publish(request: PublishRequest): Promise<ReleaseState> {
    const state = this.#state();
    const { label, weight } = request;
    const release = releaseOf(...AGENT_NAMES.map(fieldOf).map((field) => request[field] ?? state.stable[field]));
    const isSame = labelled(state, label)?.id === release.id && (label === 'stable' || state.canary?.weight === weight);
    if (isSame) return state;
    this.#expect(state, label, request.expected);
    await this.#loader.hold(release);
    return this.#change('publish', label, published(state, label, release, weight), null);
  }

  async #back(state: ReleaseState, label: Label, reason: string | null): Promise<ReleaseState> {
    const next = rolledBack(state, label);
    if (!next) throw new AppError('nothing_to_roll_back', `There is no release before the present ${label} one.`);
    await this.#loader.hold(next.stable);
    return this.#change(reason === null ? 'rollback' : 'automatic_rollback', label, next, reason);
  }

  #state(): ReleaseState {
    const { state } = this.#registry;
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

  async #change(
    action: HistoryEntry['action'],
    label: Label,
    state: ReleaseState,
    reason: string | null,
  ): Promise<ReleaseState> {
    try {
      const entry = await this.#journal.append({ action, label, reason, state });
      this.#registry.change(state);
      this.tell({ type: 'release', entry });
      return state;
    } catch (error) {
      this.#registry.collect();
      throw error;
    }
  }
}
