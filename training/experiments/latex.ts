import type { Table } from './experiment.js';
import { cellText, type Provenance } from './markdown.js';

const SPECIAL: Readonly<Record<string, string>> = {
  '\\': '\\textbackslash{}',
  '&': '\\&',
  '%': '\\%',
  $: '\\$',
  '#': '\\#',
  _: '\\_',
  '{': '\\{',
  '}': '\\}',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
  '<': '\\textless{}',
  '>': '\\textgreater{}',
  '→': '$\\to$',
  '×': '$\\times$',
  '±': '$\\pm$',
  '−': '$-$',
  '≥': '$\\ge$',
  '≤': '$\\le$',
  '–': '--',
};

function escaped(text: string): string {
  return text.replace(/[\\&%$#_{}~^<>→×±−≥≤–]/g, (character) => SPECIAL[character]!);
}

/** A table for LaTeX with the package booktabs, its source as a comment. */
export function latexTable({ id, title, columns, rows }: Table, { command, hash }: Provenance): string {
  const line = (cells: readonly string[]): string => `${cells.map(escaped).join(' & ')} \\\\`;
  return [
    `% ${command}`,
    `% inputs ${hash}`,
    '\\begin{table}',
    '  \\centering',
    `  \\caption{${escaped(title)}}`,
    `  \\label{tab:${id}}`,
    `  \\begin{tabular}{l${'r'.repeat(columns.length - 1)}}`,
    '    \\toprule',
    `    ${line(columns)}`,
    '    \\midrule',
    ...rows.map((row) => `    ${line(row.map(cellText))}`),
    '    \\bottomrule',
    '  \\end{tabular}',
    '\\end{table}',
    '',
  ].join('\n');
}
