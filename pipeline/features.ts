import { codeTerms } from './code-terms.js';
import { normalisedText } from './edits.js';
import { breaksSyntax } from './effects.js';
import type { Candidate } from './candidate.js';
import { agreedPlace, sizeOf } from './reasons.js';
import type { Reason } from './types.js';

/** What the learned ranking looks at, and the reason that each counts for. */
export const FEATURES = {
  /** Nats per choice, of the patch and of its analysis. */
  patch_mean_logprob: 'patch_likelihood',
  analysis_mean_logprob: 'analysis_likelihood',
  /** Nats of all choices. */
  patch_logprob: 'patch_likelihood',
  /** Nats by which the closest choice was won or, below 0, lost; −8 to 8. */
  patch_margin: 'patch_likelihood',
  /** Natural logarithm of the window's share of the best window's retrieval score. */
  window_share: 'retrieval',
  /** 1: the file parsed before and does not parse now. */
  breaks_syntax: 'syntax',
  /** Names that nothing defines, 3 at most. */
  new_names: 'names',
  /** Natural logarithm of 1 + changed lines. */
  changed_lines: 'size',
  /** 1: nothing is deleted; nothing is added. */
  only_adds: 'size',
  only_deletes: 'size',
  repeated_lines: 'size',
  /** 1: it changes the line, or else the definition, that the analysis names. */
  names_line: 'agreement',
  names_scope: 'agreement',
  /** Share (0 to 1) of the changed lines' words that the analysis names; share of the hint's words that are in the changed lines. */
  words_named: 'agreement',
  hint_kept: 'agreement',
  /** 1: only comments or documentation; only white space. */
  prose_only: 'substance',
  space_only: 'substance',
  /** Further readings of the issue that lead to the same effect, 3 at most. */
  repeats: 'repeats',
} as const satisfies Record<string, Reason['name']>;

export type FeatureName = keyof typeof FEATURES;

/** Every feature of a candidate; all are finite. */
export type Features = Readonly<Record<FeatureName, number>>;

export const FEATURE_NAMES = Object.keys(FEATURES) as FeatureName[];

/** The features of a candidate. */
export function featuresOf(candidate: Candidate): Features {
  const { written, windowShare, isProse, before, after, edits, hypotheses, newNames } = candidate;
  const { hypothesis, logprob, choices, margin } = written;
  const { deleted, added, repeated } = sizeOf(candidate);
  const place = agreedPlace(candidate);
  const { problem, line, hint } = hypothesis.analysis;
  const removed = edits.flatMap(({ start, deleted: count }) => candidate.window.file.lines.slice(start, start + count));
  const changed = new Set(codeTerms([...removed, ...edits.flatMap((edit) => edit.added)].join('\n')));
  const hinted = new Set(codeTerms(hint));
  return {
    patch_mean_logprob: logprob / Math.max(1, choices),
    analysis_mean_logprob: hypothesis.logprob / Math.max(1, hypothesis.choices),
    patch_logprob: logprob,
    patch_margin: Math.min(8, Math.max(-8, margin)),
    window_share: Math.log(Math.max(0.1, windowShare)),
    breaks_syntax: Number(breaksSyntax(candidate)),
    new_names: Math.min(3, newNames.length),
    changed_lines: Math.log1p(deleted + added),
    only_adds: Number(deleted === 0),
    only_deletes: Number(added === 0),
    repeated_lines: repeated,
    names_line: Number(place === 'line'),
    names_scope: Number(place === 'scope'),
    words_named: shareIn(changed, new Set(codeTerms(`${problem}\n${line}\n${hint}`))),
    hint_kept: shareIn(hinted, changed),
    prose_only: Number(isProse),
    space_only: Number(normalisedText(before) === normalisedText(after)),
    repeats: Math.min(3, hypotheses - 1),
  };
}

/** The share of words that are among others; 0 without words. */
function shareIn(words: ReadonlySet<string>, others: ReadonlySet<string>): number {
  return words.size === 0 ? 0 : [...words].filter((word) => others.has(word)).length / words.size;
}
