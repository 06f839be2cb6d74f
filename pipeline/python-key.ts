import type { Node } from 'web-tree-sitter';
import type { KeyRules } from './syntax-key.js';

/** What a comma at the end of these changes nothing of. */
const LISTS = new Set(['argument_list', 'parameters', 'lambda_parameters', 'list', 'dictionary', 'set']);

const QUOTE = /["']+$/;

/** Python: comments, grouping parentheses, kinds of quotes and commas at the end mean nothing. */
export const pythonKeyRules: KeyRules = {
  isSilent: (node) => node.type === 'comment' || node.type === 'line_continuation',
  isWrapper: (node) => node.type === 'parenthesized_expression',
  leafText(leaf: Node) {
    if (leaf.type === 'string_start') return leaf.text.replace(QUOTE, '').toLowerCase();
    if (leaf.type === 'string_end') return '';
    // Between items a comma says nothing either: the items stand one after the other.
    if (leaf.type === ',' && LISTS.has(leaf.parent?.type ?? '')) return undefined;
    return leaf.text;
  },
};
