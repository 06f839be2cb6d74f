import type { Features } from '../../pipeline/features.js';

/** A candidate with what its score is made of, and whether it turned out right. */
export interface JudgedCandidate {
  /** As it was served, 0 to 1. */
  readonly score: number;
  /** Log-odds by the hand-made formula. */
  readonly formula: number;
  readonly features: Features;
  readonly right: boolean;
}

/** The candidates of one request, best first as they were ranked. */
export interface JudgedRow {
  readonly row: string;
  /** Rows of one group have code in common and are left out together. */
  readonly group: string;
  readonly candidates: readonly JudgedCandidate[];
}
