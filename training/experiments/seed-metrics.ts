/** The seed's measures of generated texts (rows 34, 70–78, 84; formulas in §2.6 of the inventory). */

/** Whether a Python text parses; undefined where that is not known. */
export type ParsesPython = (text: string) => boolean | undefined;

const FIELDS = ['PROBLEM', 'FAULT_TYPE', 'FAULT_LOCATION', 'EXPECTED_BEHAVIOR', 'PATCH_HINT'] as const;

function fieldOf(text: string, tag: string): string {
  return (new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`).exec(text)?.[1] ?? '').trim();
}

/** Half for a PROBLEM, half for DETAILS (row 70). */
export function fieldCoverage(gist: string): number {
  return (Number(fieldOf(gist, 'PROBLEM') !== '') + Number(fieldOf(gist, 'DETAILS') !== '')) / 2;
}

/** At least four of the five fields say something (row 34). */
export function isValidGist(gist: string): boolean {
  return FIELDS.filter((tag) => fieldOf(gist, tag) !== '').length >= 4;
}

/** Row 71: at least 8 characters, a key word, two newlines and six words. */
export function hasStructure(code: string): boolean {
  const text = code.trim();
  return (
    text.length >= 8 &&
    /\b(def|class|return|import)\b/.test(text) &&
    text.split('\n').length > 2 &&
    text.split(/\s+/).length >= 6
  );
}

/** Row 73: a quarter each for length, a key word, punctuation and syntax. */
export function patchSanity(code: string, parses: boolean): number {
  const text = code.trim();
  const signs = [
    text.length >= 8,
    ['def ', 'class ', 'return ', 'import '].some((word) => text.includes(word)),
    /[=:()]/.test(text),
    parses,
  ];
  return signs.filter(Boolean).length / 4;
}

/** Row 75: two of the seed's signs of a patch that says nothing. */
export function isGeneric(code: string): boolean {
  const signs = ['def generated_patch', 'value = 0', 'return value', 'pass'];
  return signs.filter((sign) => code.includes(sign)).length >= 2;
}

/** Identifiers of a text in small letters. */
export function identifiers(text: string): ReadonlySet<string> {
  return new Set(text.toLowerCase().match(/[a-z_][a-z0-9_]*/g) ?? []);
}

/** Row 74: share of the analysis' identifiers that the patch names, too. */
export function lexicalOverlap(analysis: string, code: string): number {
  const [asked, written] = [identifiers(analysis), identifiers(code)];
  if (asked.size === 0 || written.size === 0) return 0;
  return [...asked].filter((name) => written.has(name)).length / asked.size;
}

/** Row 78: mean Jaccard index over all pairs that have identifiers; 1 with fewer than two texts. */
export function pairwiseSimilarity(texts: readonly string[]): number {
  const sets = texts.map(identifiers).filter((set) => set.size > 0);
  if (texts.length <= 1 || sets.length < 2) return 1;
  let [sum, pairs] = [0, 0];
  for (const [at, one] of sets.entries()) {
    for (const other of sets.slice(at + 1)) {
      const both = [...one].filter((name) => other.has(name)).length;
      sum += both / (one.size + other.size - both);
      pairs++;
    }
  }
  return sum / pairs;
}

/** One generated analysis with the patch that was written after it. */
export interface Written {
  readonly gist: string;
  readonly code: string;
}

/** All measures of one pair. */
export interface WrittenMeasures {
  readonly structure: boolean;
  readonly syntax: boolean;
  readonly sanity: number;
  readonly overlap: number;
  readonly generic: boolean;
  readonly accepted: boolean;
  readonly field_coverage: number;
  readonly valid_gist: boolean;
}

/** Measures a pair; `accepted` is row 76. */
export function measuresOf({ gist, code }: Written, parsesPython: ParsesPython): WrittenMeasures {
  const structure = hasStructure(code);
  const syntax = code.trim() !== '' && parsesPython(code) === true;
  const sanity = patchSanity(code, syntax);
  const overlap = lexicalOverlap(gist, code);
  const generic = isGeneric(code);
  const accepted = structure && syntax && !generic && overlap >= 0.02 && sanity >= 0.5;
  const [field_coverage, valid_gist] = [fieldCoverage(gist), isValidGist(gist)];
  return { structure, syntax, sanity, overlap, generic, accepted, field_coverage, valid_gist };
}

/** The seed's figures over some pairs; `code_quality` is CQ (row 84, finding 14). */
export function sampleFigures(written: readonly Written[], parsesPython: ParsesPython): Record<string, number> {
  const all = written.map((one) => measuresOf(one, parsesPython));
  const mean = (of: (one: WrittenMeasures) => number): number =>
    all.reduce((sum, one) => sum + of(one), 0) / Math.max(1, all.length);
  const codes = written.map(({ code }) => code);
  const structure = mean((one) => Number(one.structure));
  const syntax = mean((one) => Number(one.syntax));
  const uniqueness = new Set(codes).size / Math.max(1, codes.length);
  return {
    field_coverage: mean((one) => one.field_coverage),
    valid_analyses: mean((one) => Number(one.valid_gist)),
    structure,
    syntax,
    sanity: mean((one) => one.sanity),
    overlap: mean((one) => one.overlap),
    pairwise_similarity: pairwiseSimilarity(codes),
    uniqueness,
    code_quality: 0.6 * syntax + 0.3 * structure + 0.1 * uniqueness,
    accepted: mean((one) => Number(one.accepted)),
  };
}
