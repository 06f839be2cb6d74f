import MiniSearch from 'minisearch';
import { codeTerms, emphasisedTerms, namedPlaces, sharedTail, type NamedPlace } from './code-terms.js';
import { definitionStyle } from './definitions.js';
import type { IssueText } from './prompt.js';
import { viewsOf, type CodeWindow } from './windows.js';

/** A window and how well it fits the issue: 1 for the best, before places named in the issue are added. */
export interface FoundWindow {
  readonly window: CodeWindow;
  readonly score: number;
}

const MAX_QUERY_CHARACTERS = 20_000;
const FIELDS = ['text', 'names', 'path'];
const FIELD_BOOST = { text: 1, names: 1.5, path: 1 };
const TITLE_BOOST = 2;
const EMPHASIS_BOOST = 2;

/** A frame that lies in a window is worth more than any words; the last frame, where it happened, most. */
const LAST_PLACE_BONUS = 1.5;
const PLACE_BONUS = 0.75;

/** All windows, best first: BM25 over their code, definitions and path, and the places that the issue names. */
export function findWindows(issue: IssueText, windows: readonly CodeWindow[]): FoundWindow[] {
  const index = new MiniSearch<{ id: number; text: string; names: string; path: string }>({
    fields: FIELDS,
    tokenize: codeTerms,
    processTerm: (term) => term,
  });
  index.addAll(windows.map((window, id) => ({ id, ...searchedText(window) })));
  const body = issue.body.slice(0, MAX_QUERY_CHARACTERS);
  const emphasised = emphasisedTerms(`${issue.title}\n${body}`);
  const inTitle = new Set(codeTerms(issue.title));
  const query = [...new Set(codeTerms(`${issue.title}\n${body}`))].join(' ');
  const hits = index.search(query, {
    tokenize: (text) => text.split(' ').filter(Boolean),
    boost: FIELD_BOOST,
    boostTerm: (term) => (emphasised.has(term) ? EMPHASIS_BOOST : 1) * (inTitle.has(term) ? TITLE_BOOST : 1),
  });
  const scores = new Float64Array(windows.length);
  const best = hits[0]?.score ?? 1;
  for (const hit of hits) scores[hit.id as number] = hit.score / best;
  addPlaces(scores, windows, namedPlaces(`${issue.title}\n${body}`));
  return windows
    .map((window, id) => ({ window, score: scores[id]! }))
    .sort((a, b) => b.score - a.score || a.window.start - b.window.start);
}

function searchedText(window: CodeWindow): { text: string; names: string; path: string } {
  const { file, heading } = window;
  const style = definitionStyle(file.path);
  const lines = viewsOf(window);
  const names = [heading, ...lines].map((line) => style.nameOf(line) ?? '');
  return { text: lines.join('\n'), names: names.join(' '), path: file.path.replaceAll('/', ' ') };
}

function addPlaces(scores: Float64Array, windows: readonly CodeWindow[], places: readonly NamedPlace[]): void {
  const lastKnown = places.findLastIndex((place) => windows.some((window) => isAt(window, place)));
  places.forEach((place, index) => {
    if (index > lastKnown) return;
    windows.forEach((window, id) => {
      if (isAt(window, place))
        scores[id]! += (index === lastKnown ? LAST_PLACE_BONUS : PLACE_BONUS) * centrality(window, place);
    });
  });
}

/** Whether a window holds a place of an issue, by line and path or, where only the file's name agrees, by function. */
function isAt(window: CodeWindow, place: NamedPlace): boolean {
  const { file, start, end } = window;
  const line = place.line - 1;
  if (line < start || line >= end) return false;
  const shared = sharedTail(place.path, file.path);
  if (shared >= 2 || (shared === 1 && (!place.path.includes('/') || !file.path.includes('/')))) return true;
  if (shared === 0 || place.name === undefined) return false;
  const style = definitionStyle(file.path);
  return [window.heading, ...viewsOf(window)].some((text) => style.nameOf(text) === place.name);
}

/** 1 in the middle of a window, less towards its ends: of two overlapping windows the one with more around wins. */
function centrality({ start, end }: CodeWindow, place: NamedPlace): number {
  const fromEdge = Math.min(place.line - 1 - start, end - place.line);
  return 0.8 + (0.2 * Math.min(fromEdge, 20)) / 20;
}

/**
 * The windows to work on: the best one, and further ones that come near it and show mostly other lines.
 */
export function selectWindows(found: readonly FoundWindow[], count: number, minShare: number): FoundWindow[] {
  const chosen: FoundWindow[] = [];
  for (const candidate of found) {
    if (chosen.length >= count) break;
    if (chosen.length > 0 && candidate.score < chosen[0]!.score * minShare) break;
    if (chosen.every((other) => !mostlySame(other.window, candidate.window))) chosen.push(candidate);
  }
  return chosen;
}

function mostlySame(a: CodeWindow, b: CodeWindow): boolean {
  if (a.file !== b.file) return false;
  const shared = Math.min(a.end, b.end) - Math.max(a.start, b.start);
  return shared * 2 > Math.min(a.end - a.start, b.end - b.start);
}

/** The paths of files by their best window, best first; only files with a score. For choosing what to send. */
export function rankFiles(found: readonly FoundWindow[]): { readonly path: string; readonly score: number }[] {
  const best = new Map<string, number>();
  for (const { window, score } of found) {
    if (score > (best.get(window.file.path) ?? 0)) best.set(window.file.path, score);
  }
  return [...best].map(([path, score]) => ({ path, score }));
}
