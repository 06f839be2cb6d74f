import { AGENT_NAMES, fieldOf, type AgentName } from '../../agents/names.js';
import type { Release } from '../inference/messages.js';

export type Label = 'stable' | 'canary';

/** What the labels point to. Immutable; each change makes a new one. */
export interface ReleaseState {
  readonly stable: Release;
  readonly canary: { readonly release: Release; /** Share of the requests, 0 to 1. */ readonly weight: number } | null;
  /** Earlier stable releases, the latest last: what rollback goes back to. */
  readonly previous: readonly Release[];
}

/** One change, as the journal keeps it and the events stream sends it. */
export interface HistoryEntry {
  /** 1, 2, 3 … */
  readonly seq: number;
  /** ISO 8601. */
  readonly time: string;
  readonly action: 'start' | 'publish' | 'promote' | 'rollback' | 'automatic_rollback';
  readonly label: Label;
  /** Why, for automatic rollbacks. */
  readonly reason: string | null;
  readonly state: ReleaseState;
}

const MAX_PREVIOUS = 20;

/** A new release behind a label. What stable pointed to can be rolled back to. */
export function published(state: ReleaseState, label: Label, release: Release, weight: number): ReleaseState {
  if (label === 'canary') return { ...state, canary: { release, weight } };
  return { ...state, stable: release, previous: [...state.previous, state.stable].slice(-MAX_PREVIOUS) };
}

/** The canary becomes stable. Undefined when there is none. */
export function promoted(state: ReleaseState): ReleaseState | undefined {
  return state.canary ? { ...published(state, 'stable', state.canary.release, 1), canary: null } : undefined;
}

/** Stable goes back to the release before it; a canary is taken away. Undefined when there is nothing to go back to. */
export function rolledBack(state: ReleaseState, label: Label): ReleaseState | undefined {
  if (label === 'canary') return state.canary ? { ...state, canary: null } : undefined;
  const stable = state.previous.at(-1);
  return stable && { ...state, stable, previous: state.previous.slice(0, -1) };
}

/** Whether stable differs from the release before it in this agent and no other. */
export function changesOnly({ stable, previous }: ReleaseState, agent: AgentName): boolean {
  const before = previous.at(-1);
  if (!before) return false;
  return AGENT_NAMES.every((name) => (stable[fieldOf(name)] !== before[fieldOf(name)]) === (name === agent));
}

/** The release a label points to. */
export function labelled(state: ReleaseState, label: Label): Release | null {
  return label === 'stable' ? state.stable : (state.canary?.release ?? null);
}

/** Releases whose agents stay in memory: what is served and what one rollback goes back to. */
export function wanted(state: ReleaseState): readonly Release[] {
  return [state.stable, state.canary?.release, state.previous.at(-1)].filter((release) => release !== undefined);
}
