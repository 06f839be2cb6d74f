import MiniSearch from 'minisearch';
import { codeTerms, emphasisedTerms, namedPlaces, sharedTail } from './code-terms.js';
import type { IssueText } from './prompt.js';

const MAX_TEXT_CHARACTERS = 20_000;
const MAX_MENTIONS = 200;
const MENTION = /(?<![\p{L}\p{N}_./\\@+-])[\p{L}\p{N}_./\\@+-]{1,200}\.[A-Za-z]\w{0,7}/gu;
const TITLE_BOOST = 2;
const EMPHASIS_BOOST = 2;
/** Paths that are taken up before other work gets its turn. */
const CHUNK = 500;

/**
 * The paths of a repository that an issue names in text, code, links or tracebacks, those first of which most components agree.
 * A bare name fits in every folder, and a longer path from an installation by its last two components or more.
 */
export function namedPaths({ title, body }: IssueText, paths: readonly string[]): string[] {
  const text = `${title}\n${body}`.slice(0, MAX_TEXT_CHARACTERS);
  const places = namedPlaces(text).map(({ path }) => path);
  const words = [...text.matchAll(MENTION)].map(([word]) => word.replaceAll('\\', '/'));
  const mentions = [...new Set([...places, ...words])].slice(0, MAX_MENTIONS);
  const byName = new Map<string, string[]>();
  for (const path of paths) {
    const name = nameOf(path);
    const same = byName.get(name);
    if (same) same.push(path);
    else byName.set(name, [path]);
  }
  const best = new Map<string, number>();
  for (const mention of mentions.map((word) => word.replace(/^(?:\.?\/)+/, ''))) {
    for (const path of byName.get(nameOf(mention)) ?? []) {
      const shared = sharedTail(mention, path);
      const fits = shared >= 2 || !mention.includes('/') || !path.includes('/');
      if (fits) best.set(path, Math.max(shared, best.get(path) ?? 0));
    }
  }
  return [...best].sort(([, a], [, b]) => b - a).map(([path]) => path);
}

/**
 * Paths by how well their words fit an issue, best first, then those that share no word with it, the ones nearest the root first.
 * For choosing what to read of a repository; the thread is given free now and then.
 */
export async function rankPaths({ title, body }: IssueText, paths: readonly string[]): Promise<string[]> {
  const index = new MiniSearch<{ id: string; path: string }>({
    fields: ['path'],
    tokenize: codeTerms,
    processTerm: (term) => term,
  });
  await index.addAllAsync(
    paths.map((path) => ({ id: path, path: path.replaceAll('/', ' ') })),
    { chunkSize: CHUNK },
  );
  const text = `${title}\n${body}`.slice(0, MAX_TEXT_CHARACTERS);
  const emphasised = emphasisedTerms(text);
  const inTitle = new Set(codeTerms(title));
  const found = index.search([...new Set(codeTerms(text))].join(' '), {
    tokenize: (words) => words.split(' ').filter(Boolean),
    boostTerm: (term) => (emphasised.has(term) ? EMPHASIS_BOOST : 1) * (inTitle.has(term) ? TITLE_BOOST : 1),
  });
  const ranked = found.map(({ id }) => id as string);
  const known = new Set(ranked);
  const depth = (path: string): number => path.split('/').length;
  const others = paths.filter((path) => !known.has(path)).sort((a, b) => depth(a) - depth(b) || (a < b ? -1 : 1));
  return [...ranked, ...others];
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
