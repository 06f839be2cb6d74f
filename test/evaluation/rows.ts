/** A held-out row in the format of training/pretrain/heldout.py, its content fit for the tiny tokenizer or any other. */
export function storedRow(kind: string, name = 'total'): Record<string, unknown> {
  const lines = [`def ${name}(items):`, '    result = 0', '    for item in items:', '        result -= item'];
  return {
    kind,
    issue: { title: `${name} is negative`, body: '' },
    path: 'shop/basket.py',
    heading: '',
    start_line: 3,
    lines: [...lines, '    return result'],
    edits: [[3, 4, ['        result += item']]],
    content: ['import math', '', ...lines, '    return result', ''].join('\n'),
    source_ids: [6, 40, 41, 4, 7, 42, 4, 8, 4, 43, 44, 4],
    analysis_ids: [9, 40, 10, 45, 11, 46, 12, 47, 13, 48],
    patch_ids: [16, 43, 4, 17, 44, 4],
  };
}
