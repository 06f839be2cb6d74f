import type { Node } from 'web-tree-sitter';

/** How the trees of one language are compared. */
export interface KeyRules {
  /** Whether a node means nothing, such as a comment. */
  readonly isSilent: (node: Node) => boolean;
  /** Whether a node stands for what is in it alone (parentheses that only group). */
  readonly isWrapper: (node: Node) => boolean;
  /** What a leaf says, without how it is spelt (kind of quotes); undefined when it says nothing (a comma at the end). */
  readonly leafText: (leaf: Node) => string | undefined;
}

/**
 * Texts for syntax trees: two files whose trees differ in comments and layout only have the same one. Whole statements at the
 * top of a file are remembered by their source, as the candidates of one request share most of them.
 */
export class SyntaxKeys {
  readonly #known = new Map<string, string>();
  readonly #rules: KeyRules;

  constructor(rules: KeyRules) {
    this.#rules = rules;
  }

  /** The key of a whole tree. */
  keyOf(root: Node): string {
    return root.children
      .map((statement) => {
        const source = statement.text;
        const known = this.#known.get(source) ?? this.#nodeKey(statement, source, statement.startIndex);
        this.#known.set(source, known);
        return known;
      })
      .filter((key) => key !== '')
      .join('\n');
  }

  /** `source` is the text from `base` on. */
  #nodeKey(node: Node, source: string, base: number): string {
    if (this.#rules.isSilent(node)) return '';
    const { children } = node;
    if (children.length === 0) {
      const text = this.#rules.leafText(node);
      return text === undefined ? '' : JSON.stringify(text);
    }
    const parts: string[] = [];
    let end = node.startIndex;
    // Some text is in no child: that of strings around their escapes.
    const addTextUpTo = (start: number): void => {
      const between = source.slice(end - base, start - base);
      if (between.trim() !== '') parts.push(JSON.stringify(between));
    };
    for (const child of children) {
      addTextUpTo(child.startIndex);
      end = child.endIndex;
      const key = this.#nodeKey(child, source, base);
      if (key !== '') parts.push(key);
    }
    addTextUpTo(node.endIndex);
    if (this.#rules.isWrapper(node)) return parts.slice(1, -1).join(' ');
    return parts.length === 0 ? '' : `(${node.type} ${parts.join(' ')})`;
  }
}
