/** A stretch that differs: `a[aStart…aEnd - 1]` stands where `b[bStart…bEnd - 1]` stands. */
export interface DifferentRange {
  readonly aStart: number;
  readonly aEnd: number;
  readonly bStart: number;
  readonly bEnd: number;
}

interface Match {
  readonly a: number;
  readonly b: number;
  readonly size: number;
}

/**
 * Where two sequences differ, as Python's difflib (without its heuristics) sees it. The backbone's data was made with
 * difflib, and a shortest edit script, which other libraries give, cuts lines at other places.
 */
export function differentRanges(a: readonly string[], b: readonly string[]): DifferentRange[] {
  const ranges: DifferentRange[] = [];
  let [aStart, bStart] = [0, 0];
  for (const match of [...matches(a, b), { a: a.length, b: b.length, size: 0 }]) {
    if (aStart < match.a || bStart < match.b) ranges.push({ aStart, aEnd: match.a, bStart, bEnd: match.b });
    [aStart, bStart] = [match.a + match.size, match.b + match.size];
  }
  return ranges;
}

/** How alike two texts are, from 0 to 1: difflib's ratio of their characters. */
export function similarity(a: string, b: string): number {
  const [left, right] = [Array.from(a), Array.from(b)];
  const common = matches(left, right).reduce((sum, { size }) => sum + size, 0);
  return left.length + right.length === 0 ? 1 : (2 * common) / (left.length + right.length);
}

/** The longest common stretch, then the same left and right of it; in order. */
function matches(a: readonly string[], b: readonly string[]): Match[] {
  const places = new Map<string, number[]>();
  for (const [at, item] of b.entries()) {
    const known = places.get(item);
    if (known) known.push(at);
    else places.set(item, [at]);
  }
  const found: Match[] = [];
  const open: [number, number, number, number][] = [[0, a.length, 0, b.length]];
  for (let range = open.pop(); range; range = open.pop()) {
    const [aStart, aEnd, bStart, bEnd] = range;
    const match = longest(a, places, range);
    if (match.size === 0) continue;
    found.push(match);
    open.push([aStart, match.a, bStart, match.b], [match.a + match.size, aEnd, match.b + match.size, bEnd]);
  }
  return found.sort((left, right) => left.a - right.a);
}

/** The longest stretch that both ranges hold; of equally long ones the first. */
function longest(
  a: readonly string[],
  places: ReadonlyMap<string, readonly number[]>,
  [aStart, aEnd, bStart, bEnd]: readonly [number, number, number, number],
): Match {
  let best: Match = { a: aStart, b: bStart, size: 0 };
  let lengths = new Map<number, number>();
  for (let at = aStart; at < aEnd; at++) {
    const next = new Map<number, number>();
    for (const place of places.get(a[at]!) ?? []) {
      if (place < bStart) continue;
      if (place >= bEnd) break;
      const size = (lengths.get(place - 1) ?? 0) + 1;
      next.set(place, size);
      if (size > best.size) best = { a: at - size + 1, b: place - size + 1, size };
    }
    lengths = next;
  }
  return best;
}
