import type { Effect } from './effects.js';
import type { CodeWindow } from './windows.js';

/** A patch with what is known of where it comes from. */
export interface FoundPatch extends Effect {
  readonly window: CodeWindow;
  /** Retrieval score of the window as a part of the best window's, above 0 and at most 1. */
  readonly windowShare: number;
}

/** A patch with everything that speaks for or against it. */
export interface Candidate extends FoundPatch {
  /** How many readings of the issue led to patches with this effect. */
  readonly hypotheses: number;
  /** Names that it uses and nothing defines. */
  readonly newNames: readonly string[];
}
