/** A set of token sequences, walked token by token. */

/** A place in a {@link TokenTrie}: what was read so far. Immutable, so a fork is a copy of the reference. */
export interface TrieNode {
  readonly next: ReadonlyMap<number, TrieNode>;
  /** Whether what was read so far is a whole sequence of the set. */
  readonly terminal: boolean;
}

interface GrowingNode extends TrieNode {
  next: Map<number, GrowingNode>;
  terminal: boolean;
}

const newNode = (): GrowingNode => ({ next: new Map(), terminal: false });

/** Built once per request and window, then only read. */
export class TokenTrie {
  readonly root: TrieNode;
  readonly size: number;

  constructor(sequences: Iterable<readonly number[]>) {
    const root = newNode();
    let size = 0;
    for (const sequence of sequences) {
      let node = root;
      for (const token of sequence) {
        let child = node.next.get(token);
        if (!child) node.next.set(token, (child = newNode()));
        node = child;
      }
      if (!node.terminal) size++;
      node.terminal = true;
    }
    this.root = root;
    this.size = size;
  }
}
