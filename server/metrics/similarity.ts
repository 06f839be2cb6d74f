/** Patches that are compared. */
const KEPT = 10;

/** Text of added lines that is looked at; more is no small patch. */
const MAX_CHARACTERS = 4000;

interface Kept {
  readonly diff: string;
  readonly words: ReadonlySet<string>;
}

/**
 * How alike the last patches are. An agent that has collapsed writes the same lines whatever it is asked. The same diff again
 * is the same request again: it says nothing and is not counted twice.
 */
export class RecentPatches {
  #kept: Kept[] = [];

  add(diff: string): void {
    if (this.#kept.some((other) => other.diff === diff)) return;
    const added = (diff.match(/^\+(?!\+\+ ).*$/gm) ?? []).join('\n').slice(0, MAX_CHARACTERS);
    const words = new Set(added.match(/[\p{L}\p{N}_]+|[^\s\p{L}\p{N}_+]/gu));
    // A patch that only deletes has no words of its own.
    if (words.size > 0) this.#kept = [...this.#kept, { diff, words }].slice(-KEPT);
  }

  /** Mean over all pairs of the share of words (of both) that they have in common, 0 to 1; 0 for fewer than two patches. */
  similarity(): number {
    let sum = 0;
    let pairs = 0;
    for (const [index, { words }] of this.#kept.entries()) {
      for (const other of this.#kept.slice(index + 1)) {
        const common = [...words].filter((word) => other.words.has(word)).length;
        sum += common / (words.size + other.words.size - common);
        pairs++;
      }
    }
    return pairs === 0 ? 0 : sum / pairs;
  }
}
