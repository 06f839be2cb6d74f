import { isNamed, locationOf } from './analysis.js';
import { normalisedText, type LineEdit } from './edits.js';
import type { Effect } from './effects.js';
import type { Reason } from './types.js';
import { viewsOf, type CodeWindow } from './windows.js';

/** A patch with everything that speaks for or against it. */
export interface Candidate extends Effect {
  readonly window: CodeWindow;
  /** Retrieval score of the window as a part of the best window's, above 0 and at most 1. */
  readonly windowShare: number;
}

/** A candidate with its score (0 to 1) and the reasons that make it up. */
export interface RankedCandidate extends Candidate {
  readonly score: number;
  readonly reasons: readonly Reason[];
}

/** Changed lines that cost nothing. */
const USUAL_LINES = 12;

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));
const logistic = (x: number): number => 1 / (1 + Math.exp(-x));

/**
 * All candidates, best first, no two with the same effect. The score is the logistic function of the sum of the
 * reasons' weights; weights are in log-odds. After the first each one is chosen for its score and for being
 * different from those before it.
 */
export function rankCandidates(candidates: readonly Candidate[]): RankedCandidate[] {
  const scored = candidates.map((candidate) => ({ candidate, reasons: reasonsFor(candidate) }));
  scored.sort((a, b) => total(b.reasons) - total(a.reasons));
  const effects = new Set<string>();
  let left = scored.filter(({ candidate }) => {
    const effect = `${candidate.window.file.path}\n${normalisedText(candidate.after)}`;
    return effects.has(effect) ? false : effects.add(effect);
  });
  const ranked: RankedCandidate[] = [];
  while (left.length > 0) {
    const next = left
      .map((entry) => ({ ...entry, all: withNovelty(entry.candidate, entry.reasons, ranked) }))
      .reduce((a, b) => (total(b.all) > total(a.all) ? b : a));
    left = left.filter(({ candidate }) => candidate !== next.candidate);
    ranked.push({ ...next.candidate, reasons: next.all, score: logistic(total(next.all)) });
  }
  return ranked.sort((a, b) => b.score - a.score);
}

function total(reasons: readonly Reason[]): number {
  return reasons.reduce((sum, { weight }) => sum + weight, 0);
}

function reasonsFor(candidate: Candidate): Reason[] {
  return [
    patchLikelihood(candidate),
    analysisLikelihood(candidate),
    retrieval(candidate),
    syntax(candidate),
    agreement(candidate),
    size(candidate),
    substance(candidate),
  ].filter((reason) => reason.weight !== 0);
}

function patchLikelihood({ written: { logprob, choices } }: Candidate): Reason {
  const mean = logprob / Math.max(1, choices);
  return {
    name: 'patch_likelihood',
    weight: clamp(1.6 + 3 * mean, -3, 1.6) + clamp(0.06 * logprob, -1.2, 0),
    detail: `The code agent's choices have a mean probability of ${percent(Math.exp(mean))}.`,
  };
}

function analysisLikelihood({ written: { hypothesis } }: Candidate): Reason {
  const mean = hypothesis.logprob / Math.max(1, hypothesis.choices);
  return {
    name: 'analysis_likelihood',
    weight: clamp(0.5 + mean, -1.5, 0.5),
    detail: `The analysis agent's choices have a mean probability of ${percent(Math.exp(mean))}.`,
  };
}

function retrieval({ windowShare }: Candidate): Reason {
  return {
    name: 'retrieval',
    weight: 0.5 * Math.log(clamp(windowShare, 0.1, 1)),
    detail: `Search gives this part of the code ${percent(windowShare)} of the best part's score.`,
  };
}

function syntax({ parsesBefore, parsesAfter }: Candidate): Reason {
  if (parsesAfter === null) return { name: 'syntax', weight: 0, detail: 'No grammar for this language.' };
  if (parsesAfter) return { name: 'syntax', weight: 0.3, detail: 'The patched file parses.' };
  if (parsesBefore) return { name: 'syntax', weight: -6, detail: 'The patched file no longer parses.' };
  return { name: 'syntax', weight: 0, detail: 'The file parses neither before nor after.' };
}

/** Whether the patch is where the analysis said. */
function agreement({ window, edits, written }: Candidate): Reason {
  const { line, fault_location: location } = written.hypothesis.analysis;
  const views = viewsOf(window);
  const touched = edits.flatMap((edit) => touchedLines(edit, window.start, views));
  const named = touched.length === 0 ? line === '' : touched.some((index) => isNamed(views[index]!, line));
  if (named) return { name: 'agreement', weight: 0.5, detail: 'It changes the line that the analysis names.' };
  if (touched.some((index) => locationOf(window, views, index) === location)) {
    return { name: 'agreement', weight: 0, detail: 'It changes the definition that the analysis names.' };
  }
  return { name: 'agreement', weight: -0.7, detail: 'It changes another place than the analysis names.' };
}

/** Lines of the window by which an analysis would name an edit: the deleted ones, else the one above, blank ones left out. */
function touchedLines(edit: LineEdit, windowStart: number, views: readonly string[]): number[] {
  const first = edit.start - windowStart;
  const deleted = Array.from({ length: edit.deleted }, (_, index) => first + index).filter((index) =>
    views[index]?.trim(),
  );
  if (deleted.length > 0) return deleted;
  const above = views.slice(0, first).findLastIndex((view) => view.trim() !== '');
  return above < 0 ? [] : [above];
}

function size({ edits, after }: Candidate): Reason {
  const deleted = edits.reduce((sum, edit) => sum + edit.deleted, 0);
  const added = edits.flatMap((edit) => edit.added);
  const lines = deleted + added.length;
  if (after.trim() === '') return { name: 'size', weight: -4, detail: 'It empties the file.' };
  const known = added.map((text) => text.trim()).filter((text) => text.length > 3);
  const repeated = known.length - new Set(known).size;
  return {
    name: 'size',
    weight: clamp(-0.04 * Math.max(0, lines - USUAL_LINES) - 0.4 * repeated, -2.5, 0),
    detail: `It changes ${lines} lines${repeated > 0 ? `, ${repeated} of them repeat others` : ''}.`,
  };
}

const ABOUT_PROSE = /\b(?:docs?|docstrings?|documentation|comments?|typos?|spelling|wording)\b/i;

/** Changes of white space, comments or documentation only do not mend behaviour. */
function substance({ before, after, isProse, written }: Candidate): Reason {
  if (normalisedText(before) === normalisedText(after)) {
    return { name: 'substance', weight: -5, detail: 'It changes only white space.' };
  }
  const unasked = isProse && !ABOUT_PROSE.test(written.hypothesis.analysis.problem);
  return { name: 'substance', weight: unasked ? -3 : 0, detail: 'It changes only comments or documentation.' };
}

/** Less for a patch that touches lines which a better one touches. */
function withNovelty(candidate: Candidate, reasons: readonly Reason[], better: readonly RankedCandidate[]): Reason[] {
  const similar = better.filter(
    (other) => other.window.file === candidate.window.file && overlap(other.edits, candidate.edits),
  );
  if (similar.length === 0) return [...reasons];
  const weight = -0.25 * Math.min(similar.length, 3);
  return [...reasons, { name: 'novelty', weight, detail: 'A better patch changes the same place.' }];
}

function overlap(a: readonly LineEdit[], b: readonly LineEdit[]): boolean {
  return a.some((one) => b.some((two) => one.start <= two.start + two.deleted && two.start <= one.start + one.deleted));
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
