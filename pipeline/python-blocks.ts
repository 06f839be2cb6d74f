import type { Node } from 'web-tree-sitter';
import { indentation } from './definitions.js';

/** Nodes that need a block of their own. */
const WITH_BLOCK = new Set([
  'function_definition',
  'class_definition',
  'if_statement',
  'elif_clause',
  'else_clause',
  'for_statement',
  'while_statement',
  'with_statement',
  'try_statement',
  'except_clause',
  'except_group_clause',
  'finally_clause',
  'case_clause',
]);

/** Blocks are in these and nowhere else; expressions, most of a tree, need no look. */
const MAY_HOLD_BLOCKS = new Set([...WITH_BLOCK, 'module', 'block', 'decorated_definition', 'match_statement']);

/** Parts of a statement that begin in its column. */
const CLAUSES = new Set(['elif_clause', 'else_clause', 'except_clause', 'except_group_clause', 'finally_clause']);

/** What of these follows a `try`; at least one must. */
const HANDLERS = new Set(['except_clause', 'except_group_clause', 'finally_clause']);

/**
 * Whether the blocks of a Python file are as Python wants them. The grammar is lenient: it takes empty bodies, uneven
 * indentation and a `try` alone for sound.
 */
export function hasSoundBlocks(root: Node, rows: readonly string[]): boolean {
  const open = [root];
  for (let node = open.pop(); node; node = open.pop()) {
    const children = node.namedChildren.filter(({ type }) => type !== 'comment');
    if (!isSoundAlone(node, children, rows)) return false;
    for (const child of children) if (MAY_HOLD_BLOCKS.has(child.type)) open.push(child);
  }
  return true;
}

function isSoundAlone(node: Node, children: readonly Node[], rows: readonly string[]): boolean {
  const { type } = node;
  if (type === 'module') return areInColumn(children, 0, rows);
  if (type === 'block') return isSoundBlock(node, children, rows);
  if (WITH_BLOCK.has(type) && !children.some((child) => child.type === 'block')) return false;
  if (type === 'try_statement' && !children.some((child) => HANDLERS.has(child.type))) return false;
  const clauses = children.filter((child) => CLAUSES.has(child.type));
  return clauses.length === 0 || areInColumn(clauses, columnOf(node, rows), rows);
}

function isSoundBlock({ parent }: Node, statements: readonly Node[], rows: readonly string[]): boolean {
  const [first] = statements;
  if (!first) return false;
  // `if x: y` and what follows a header of several rows on its last one: any column is right.
  if (!beginsRow(first, rows)) return true;
  const column = columnOf(first, rows);
  return column > (parent ? columnOf(parent, rows) : -1) && areInColumn(statements, column, rows);
}

/** Whether all nodes that begin their row begin in this column. */
function areInColumn(nodes: readonly Node[], column: number, rows: readonly string[]): boolean {
  return nodes.every((node) => !beginsRow(node, rows) || columnOf(node, rows) === column);
}

/** Whether only white space is before a node; not where the row continues the one above. */
function beginsRow({ startPosition: { row, column } }: Node, rows: readonly string[]): boolean {
  return rows[row]!.slice(0, column).trim() === '' && !rows[row - 1]?.trimEnd().endsWith('\\');
}

/** The column of the row that a node begins in; a form feed starts it anew, as for Python. */
function columnOf({ startPosition: { row } }: Node, rows: readonly string[]): number {
  const text = rows[row]!;
  const start = text.slice(0, text.search(/\S|$/));
  return indentation(start.slice(Math.max(start.lastIndexOf('\f'), start.lastIndexOf('\ufeff')) + 1));
}
