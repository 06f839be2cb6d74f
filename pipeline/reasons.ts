import { isNamed, locationOf } from './analysis.js';
import { normalisedText, type LineEdit } from './edits.js';
import type { Candidate } from './candidate.js';
import type { Reason } from './types.js';
import { viewsOf } from './windows.js';

/** Changed lines that cost nothing. */
const USUAL_LINES = 12;

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));

/** What the hand-made formula says for and against a candidate: weights in log-odds, those of 0 left out. */
export function reasonsFor(candidate: Candidate): Reason[] {
  return [
    patchLikelihood(candidate),
    analysisLikelihood(candidate),
    retrieval(candidate),
    syntax(candidate),
    agreement(candidate),
    size(candidate),
    substance(candidate),
    names(candidate),
    repeats(candidate),
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
function agreement(candidate: Candidate): Reason {
  const place = agreedPlace(candidate);
  if (place === 'line')
    return { name: 'agreement', weight: 0.5, detail: 'It changes the line that the analysis names.' };
  if (place === 'scope') {
    return { name: 'agreement', weight: 0, detail: 'It changes the definition that the analysis names.' };
  }
  return { name: 'agreement', weight: -0.7, detail: 'It changes another place than the analysis names.' };
}

/** The narrowest place named by the analysis that the patch changes. */
export function agreedPlace({ window, edits, written }: Candidate): 'line' | 'scope' | undefined {
  const { line, fault_location: location } = written.hypothesis.analysis;
  const views = viewsOf(window);
  const touched = edits.flatMap((edit) => touchedLines(edit, window.start, views));
  const named = touched.length === 0 ? line === '' : touched.some((index) => isNamed(views[index]!, line));
  if (named) return 'line';
  return touched.some((index) => locationOf(window, views, index) === location) ? 'scope' : undefined;
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

/** Changed lines, and added ones that repeat another added one. */
export function sizeOf({ edits }: Candidate): { deleted: number; added: number; repeated: number } {
  const deleted = edits.reduce((sum, edit) => sum + edit.deleted, 0);
  const added = edits.flatMap((edit) => edit.added);
  const known = added.map((text) => text.trim()).filter((text) => text.length > 3);
  return { deleted, added: added.length, repeated: known.length - new Set(known).size };
}

function size(candidate: Candidate): Reason {
  const { deleted, added, repeated } = sizeOf(candidate);
  const lines = deleted + added;
  if (candidate.after.trim() === '') return { name: 'size', weight: -4, detail: 'It empties the file.' };
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

function names({ newNames: unknown }: Candidate): Reason {
  return {
    name: 'names',
    weight: clamp(-0.6 * unknown.length, -1.8, 0),
    detail: `It uses ${unknown.slice(0, 3).join(', ')}, which the file does not know.`,
  };
}

function repeats({ hypotheses }: Candidate): Reason {
  return {
    name: 'repeats',
    weight: clamp(0.2 * (hypotheses - 1), 0, 0.6),
    detail: `${hypotheses} readings of the issue lead to it.`,
  };
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`;
}
