import type { Candidate, FoundPatch } from './candidate.js';
import type { LineEdit } from './edits.js';
import { featuresOf, type Features } from './features.js';
import { namesIn, newNames } from './new-names.js';
import { RANKING_WEIGHTS, type RankingWeights } from './ranking-weights.js';
import { reasonsFor } from './reasons.js';
import type { Reason } from './types.js';
import { weighted } from './weighted-reasons.js';

/** A candidate with its score (0 to 1) and the reasons that make it up. */
export interface RankedCandidate extends Candidate {
  readonly score: number;
  readonly reasons: readonly Reason[];
  /** What {@link RankingWeights} are fitted on: the formula's log-odds, and the features. */
  readonly formula: number;
  readonly features: Features;
}

const logistic = (x: number): number => 1 / (1 + Math.exp(-x));

/**
 * All patches, best first, no two with the same effect. The score is the logistic function of the sum of the reasons'
 * weights; weights are in log-odds. After the first each one is chosen for its score and for being different from those
 * before it.
 */
export function rankCandidates(
  found: readonly FoundPatch[],
  weights: RankingWeights = RANKING_WEIGHTS,
): RankedCandidate[] {
  let left = bestOfEachEffect(found, weights);
  const ranked: RankedCandidate[] = [];
  while (left.length > 0) {
    const next = left
      .map((entry) => ({ ...entry, all: withNovelty(entry.candidate, entry.reasons, ranked, weights) }))
      .reduce((a, b) => (total(b.all) > total(a.all) ? b : a));
    left = left.filter(({ candidate }) => candidate !== next.candidate);
    const { candidate, formula, features, all } = next;
    ranked.push({ ...candidate, formula, features, reasons: all, score: logistic(total(all)) });
  }
  return ranked.sort((a, b) => b.score - a.score);
}

interface Weighed {
  readonly candidate: Candidate;
  readonly formula: number;
  readonly features: Features;
  readonly reasons: readonly Reason[];
}

/** Of the patches with one effect the one with the best reasons, the likeliest first. */
function bestOfEachEffect(found: readonly FoundPatch[], weights: RankingWeights): Weighed[] {
  const sameEffect = new Map<string, FoundPatch[]>();
  const namesOf = new Map<string, ReadonlySet<string>>();
  for (const { before } of found) if (!namesOf.has(before)) namesOf.set(before, namesIn(before));
  for (const patch of found) sameEffect.set(patch.key, [...(sameEffect.get(patch.key) ?? []), patch]);
  const best = [...sameEffect.values()].map((patches): Weighed => {
    const hypotheses = new Set(patches.map(({ written }) => written.hypothesis)).size;
    return patches
      .map((patch): Weighed => {
        const candidate = { ...patch, hypotheses, newNames: newNames(patch.edits, namesOf.get(patch.before)!) };
        const ofFormula = reasonsFor(candidate);
        const features = featuresOf(candidate);
        return { candidate, formula: total(ofFormula), features, reasons: weighted(ofFormula, features, weights) };
      })
      .reduce((a, b) => (total(b.reasons) > total(a.reasons) ? b : a));
  });
  return best.sort((a, b) => total(b.reasons) - total(a.reasons));
}

function total(reasons: readonly Reason[]): number {
  return reasons.reduce((sum, { weight }) => sum + weight, 0);
}

/** Less for a patch that touches lines which a better one touches. */
function withNovelty(
  candidate: Candidate,
  reasons: readonly Reason[],
  better: readonly RankedCandidate[],
  { formula }: RankingWeights,
): Reason[] {
  const similar = better.filter(
    (other) => other.window.file === candidate.window.file && overlap(other.edits, candidate.edits),
  );
  if (similar.length === 0) return [...reasons];
  const weight = -0.25 * formula * Math.min(similar.length, 3);
  return [...reasons, { name: 'novelty', weight, detail: 'A better patch changes the same place.' }];
}

function overlap(a: readonly LineEdit[], b: readonly LineEdit[]): boolean {
  return a.some((one) => b.some((two) => one.start <= two.start + two.deleted && two.start <= one.start + one.deleted));
}
