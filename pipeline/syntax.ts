import { createRequire } from 'node:module';
import { Language, Parser } from 'web-tree-sitter';

/** Whether a file parses: null if its language is not known here. */
export type Parses = boolean | null;

const GRAMMARS: readonly { readonly extension: RegExp; readonly wasm: string }[] = [
  { extension: /\.pyi?$/i, wasm: 'tree-sitter-python/tree-sitter-python.wasm' },
];

/** Longer files are not parsed. */
const MAX_CHARACTERS = 2_000_000;

/** Parses files with tree-sitter. Loading takes some ten ms; the parsers are kept. */
export class SyntaxChecker {
  private constructor(private readonly parsers: readonly { readonly extension: RegExp; readonly parser: Parser }[]) {}

  static async load(): Promise<SyntaxChecker> {
    await Parser.init();
    const { resolve } = createRequire(import.meta.url);
    const parsers = await Promise.all(
      GRAMMARS.map(async ({ extension, wasm }) => {
        const parser = new Parser();
        parser.setLanguage(await Language.load(resolve(wasm)));
        return { extension, parser };
      }),
    );
    return new SyntaxChecker(parsers);
  }

  /** Whether the text parses without errors. */
  parses(path: string, text: string): Parses {
    const parser = this.parsers.find(({ extension }) => extension.test(path))?.parser;
    if (!parser || text.length > MAX_CHARACTERS) return null;
    const tree = parser.parse(text);
    if (!tree) return null;
    const sound = !tree.rootNode.hasError;
    tree.delete();
    return sound;
  }

  /** Frees the parsers. */
  dispose(): void {
    for (const { parser } of this.parsers) parser.delete();
  }
}
