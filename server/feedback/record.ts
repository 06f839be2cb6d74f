import type { Analysis } from '../../pipeline/types.js';

/** What a user says about an answer. */
export const VERDICTS = ['accepted', 'rejected', 'corrected'] as const;

export type Verdict = (typeof VERDICTS)[number];

/** The latest verdict on an answer. */
export interface Feedback {
  /** ISO 8601. */
  readonly time: string;
  readonly verdict: Verdict;
  /** Position in `patches` of the patch it is about; null for an answer without patches. */
  readonly patch: number | null;
  /** Unified diff that is right instead; only with `corrected`. */
  readonly diff: string | null;
  readonly comment: string | null;
}

/** A request, what it was answered, and what the user says about that: one file of the store. */
export interface FeedbackRecord {
  readonly id: string;
  /** When it was answered, ISO 8601: retention counts from here. */
  readonly time: string;
  /** Id of the release that answered. */
  readonly release: string;
  readonly issue: { readonly title: string; readonly body: string };
  readonly files: readonly { readonly path: string; readonly content: string }[];
  readonly patches: readonly { readonly diff: string; readonly analysis: Analysis }[];
  readonly feedback: Feedback | null;
}
