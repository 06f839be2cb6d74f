/** The function that the end of a Python text begins. */
export interface PromptFunction {
  /** From `def` to before the colon, on one line. */
  readonly signature: string;
  /** Text of its docstring; empty if there is none. */
  readonly docstring: string;
  /** Indentation of its body: that of what follows the signature, else four spaces more than the signature's. */
  readonly indent: string;
}

/** The last function of a text; undefined if there is none, its signature is not complete, or it is not indented by 1 to 16 spaces. */
export function lastFunction(text: string): PromptFunction | undefined {
  const lines = text.split('\n');
  const first = lines.findLastIndex((line) => /^\s*(?:async\s+)?def\s+\w+\s*\(/.test(line));
  if (first < 0) return undefined;
  const last = lines.findIndex((line, at) => at >= first && /:\s*(?:#.*)?$/.test(line) && isBalanced(lines, first, at));
  if (last < 0) return undefined;
  const rest = lines.slice(last + 1);
  const outer = /^\s*/.exec(lines[first]!)![0];
  const own = /^\s*/.exec(rest.find((line) => line.trim() !== '') ?? '')![0];
  const signature = collapsed(lines.slice(first, last + 1).join(' ')).replace(/\s*:\s*(?:#.*)?$/, '');
  const [, , docstring = ''] = /^\s*[rRuU]?("""|''')([\s\S]*?)\1/.exec(rest.join('\n')) ?? [];
  const indent = own.startsWith(outer) && own !== outer ? own : `${outer}    `;
  return /^ {1,16}$/.test(indent) ? { signature, docstring, indent } : undefined;
}

/** White space of any kind as single spaces, none at the ends. */
export function collapsed(text: string): string {
  return text.trim().split(/\s+/).join(' ');
}

function isBalanced(lines: readonly string[], first: number, last: number): boolean {
  const text = lines.slice(first, last + 1).join('\n');
  return (text.match(/[([{]/g) ?? []).length === (text.match(/[)\]}]/g) ?? []).length;
}
