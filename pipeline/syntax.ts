import { createRequire } from 'node:module';
import { Language, Parser, type Node, type Tree } from 'web-tree-sitter';
import { hasSoundBlocks } from './python-blocks.js';
import { pythonKeyRules } from './python-key.js';
import { SyntaxKeys, type KeyRules } from './syntax-key.js';

interface Grammar extends KeyRules {
  readonly extension: RegExp;
  readonly wasm: string;
  /** Whether a node, or what it is in, is a comment or documentation. */
  readonly isProse: (node: Node) => boolean;
  /** What the language demands beyond the grammar, of a tree without errors. */
  readonly isSound: (root: Node, rows: readonly string[]) => boolean;
}

const GRAMMARS: readonly Grammar[] = [
  {
    extension: /\.pyi?$/i,
    wasm: 'tree-sitter-python/tree-sitter-python.wasm',
    ...pythonKeyRules,
    // A string that is a statement by itself documents what it stands in.
    isProse: (node) =>
      node.type === 'comment' || (node.type === 'string' && node.parent?.type === 'expression_statement'),
    isSound: hasSoundBlocks,
  },
];

/** Longer files are not parsed. */
const MAX_CHARACTERS = 2_000_000;

/** A parsed file. Dispose it after use. */
export class ParsedFile {
  /** Whether it parses without errors. */
  readonly isSound: boolean;
  private readonly rows: readonly string[];

  constructor(
    private readonly tree: Tree,
    text: string,
    private readonly grammar: Grammar,
  ) {
    this.rows = text.split('\n');
    this.isSound = !tree.rootNode.hasError && grammar.isSound(tree.rootNode, this.rows);
  }

  /** Whether a line (0-based) is blank or lies in a comment or documentation. */
  isProseLine(row: number): boolean {
    const column = this.rows[row]?.search(/\S/) ?? -1;
    if (column < 0) return true;
    let node = this.tree.rootNode.descendantForPosition({ row, column });
    while (node && !this.grammar.isProse(node)) node = node.parent;
    return node !== null;
  }

  /** Equal for files of the same meaning that differ in comments and layout; undefined if it does not parse. */
  key(keys: SyntaxKeys): string | undefined {
    return this.isSound ? keys.keyOf(this.tree.rootNode) : undefined;
  }

  dispose(): void {
    this.tree.delete();
  }
}

/** Parses files with tree-sitter. Loading takes some ten ms; the parsers are kept until {@link SyntaxChecker.dispose}. */
export class SyntaxChecker {
  private constructor(private readonly parsers: readonly { readonly grammar: Grammar; readonly parser: Parser }[]) {}

  static async load(): Promise<SyntaxChecker> {
    await Parser.init();
    const { resolve } = createRequire(import.meta.url);
    const parsers = await Promise.all(
      GRAMMARS.map(async (grammar) => {
        const parser = new Parser();
        parser.setLanguage(await Language.load(resolve(grammar.wasm)));
        return { grammar, parser };
      }),
    );
    return new SyntaxChecker(parsers);
  }

  /** Undefined if the language is not known here or the file too long. */
  parse(path: string, text: string): ParsedFile | undefined {
    const known = this.parsers.find(({ grammar }) => grammar.extension.test(path));
    if (!known || text.length > MAX_CHARACTERS) return undefined;
    const tree = known.parser.parse(text);
    return tree ? new ParsedFile(tree, text, known.grammar) : undefined;
  }

  /** Remembers keys of the files of one language while candidates are compared; undefined if the language is not known here. */
  keysFor(path: string): SyntaxKeys | undefined {
    const known = this.parsers.find(({ grammar }) => grammar.extension.test(path));
    return known && new SyntaxKeys(known.grammar);
  }

  /** Frees the parsers. */
  dispose(): void {
    for (const { parser } of this.parsers) parser.delete();
  }
}
