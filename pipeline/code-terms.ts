/** Words of code and of text about code, for search. */

const IDENTIFIER = /[\p{L}_$][\p{L}\p{N}_$]*|\p{N}{2,}/gu;

/** `parseHTTPDate2` → parse, HTTP, Date; underscores separate, too. */
const PART = /\p{Lu}+(?!\p{Ll})|\p{Lu}?\p{Ll}+|\p{Lo}+/gu;

const MAX_TERM_LENGTH = 64;

/**
 * The terms of a text, in order: each identifier whole and, if it has several parts, each part; lower case, plurals
 * as singulars. `get_userNames` gives `get_usernames`, `get`, `user`, `name`.
 */
export function codeTerms(text: string): string[] {
  const terms: string[] = [];
  for (const [identifier] of text.matchAll(IDENTIFIER)) {
    if (identifier.length > MAX_TERM_LENGTH) continue;
    const whole = singular(identifier.toLowerCase());
    if (whole.length > 1) terms.push(whole);
    const parts = identifier.match(PART) ?? [];
    if (parts.length < 2) continue;
    for (const part of parts) {
      const term = singular(part.toLowerCase());
      if (term.length > 1 && term !== whole) terms.push(term);
    }
  }
  return terms;
}

/** `values` → `value`, `entries` → `entry`; short words and `class` stay. */
function singular(word: string): string {
  if (word.length > 4 && word.endsWith('ies')) return `${word.slice(0, -3)}y`;
  return word.length > 3 && word.endsWith('s') && !/(?:ss|us|is)$/.test(word) ? word.slice(0, -1) : word;
}

/** A place that a text names: the path as written there, a 1-based line and a function if given. */
export interface NamedPlace {
  readonly path: string;
  readonly line: number;
  readonly name: string | undefined;
}

const PYTHON_FRAME = /File "([^"\n]{1,500})", line (\d{1,7})(?:, in ([^\s]+))?/g;
const COLON_PLACE = /(?<![\w./\\-])([\w./\\-]{1,200}\.[A-Za-z]{1,5}):(\d{1,7})/g;

/** Places in a text, in order: frames of Python tracebacks and `path.ext:line`. */
export function namedPlaces(text: string): NamedPlace[] {
  const found: (NamedPlace & { at: number })[] = [];
  for (const match of text.matchAll(PYTHON_FRAME)) {
    found.push({ path: match[1]!, line: Number(match[2]), name: match[3], at: match.index });
  }
  for (const match of text.matchAll(COLON_PLACE)) {
    found.push({ path: match[1]!, line: Number(match[2]), name: undefined, at: match.index });
  }
  return found
    .sort((a, b) => a.at - b.at)
    .map(({ path, line, name }) => ({ path: path.replaceAll('\\', '/'), line, name }));
}

/** Path components at the end that agree: the paths of an issue begin elsewhere (an installation, a build). */
export function sharedTail(a: string, b: string): number {
  const [left, right] = [a.split('/').reverse(), b.split('/').reverse()];
  const different = left.findIndex((name, index) => name !== right[index]);
  return different < 0 ? left.length : different;
}

const QUOTED = /`([^`\n]{2,80})`|```[\s\S]*?(?:```|$)|"([^"\n]{2,60})"|'([^'\n]{2,60})'/g;

/** Terms that the author set apart: in backticks or quotes, as a call, or with an underscore or inner capital. */
export function emphasisedTerms(text: string): Set<string> {
  const terms = new Set<string>();
  for (const match of text.matchAll(QUOTED)) {
    for (const term of codeTerms(match[1] ?? match[2] ?? match[3] ?? '')) terms.add(term);
  }
  for (const match of text.matchAll(IDENTIFIER)) {
    const [identifier] = match;
    const isCall = text[match.index + identifier.length] === '(';
    if (isCall || /[^_]_+[^_]|\p{Ll}\p{Lu}/u.test(identifier)) terms.add(codeTerms(identifier)[0] ?? '');
  }
  return terms;
}
