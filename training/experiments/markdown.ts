import type { Cell, Experiment, ExperimentResult, FailedRow, Table } from './experiment.js';

/** What a section says about its run. */
export interface Provenance {
  readonly command: string;
  /** Hash of all inputs. */
  readonly hash: string;
  readonly model: string;
  readonly fingerprint: string;
}

/** A section's beginning and end in the document, by which the command finds it again. */
function marks(name: string): { readonly begin: string; readonly end: string } {
  return { begin: `<!-- ${name}: begin -->`, end: `<!-- ${name}: end -->` };
}

/** A cell as text: numbers with four significant digits, large ones whole. */
export function cellText(cell: Cell): string {
  if (typeof cell === 'string') return cell;
  if (!Number.isFinite(cell)) return '–';
  if (Number.isInteger(cell) || Math.abs(cell) >= 1e4) return Math.round(cell).toLocaleString('en-US');
  return cell.toPrecision(4);
}

function tableText({ columns, rows }: Table): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [
    line(columns),
    `|${columns.map((_, at) => (at === 0 ? '---' : '---:')).join('|')}|`,
    ...rows.map((row) => line(row.map(cellText))),
  ].join('\n');
}

/** Failed rows by step and reason, each with the first few names. */
function failedText(failed: readonly FailedRow[]): string {
  if (failed.length === 0) return 'No row failed.';
  const groups = new Map<string, string[]>();
  for (const { row, step, reason } of failed) {
    const key = `${step}: ${reason}`;
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  const lines = [...groups].map(
    ([key, rows]) => `- ${key}: ${rows.length} (${rows.slice(0, 3).join(', ')}${rows.length > 3 ? ', …' : ''})`,
  );
  return [`${failed.length} failed rows; all are in \`failed.json\`:`, '', ...lines].join('\n');
}

/** One experiment's section; `plotFolder` is where its plots lie, seen from the document. */
export function sectionOf(
  experiment: Experiment,
  result: ExperimentResult,
  provenance: Provenance,
  plotFolder: string,
): string {
  const source = `<sub>\`${provenance.command}\` · inputs ${provenance.hash.slice(0, 16)} · ${provenance.model}, backbone ${provenance.fingerprint.slice(0, 12)}</sub>`;
  const { begin, end } = marks(experiment.name);
  const parts = [begin, `## ${experiment.title}`, experiment.question];
  if (result.findings.length > 0) parts.push(result.findings.map((finding) => `- ${finding}`).join('\n'));
  for (const table of result.tables) {
    parts.push(`**${table.title}**`, tableText(table));
    if (table.notes && table.notes.length > 0) parts.push(table.notes.join(' '));
    parts.push(source);
  }
  for (const { id, title, caption } of result.plots) {
    parts.push(`![${title}](${plotFolder}/${experiment.name}-${id}.svg)`, `${title}. ${caption}`, source);
  }
  parts.push(failedText(result.failed), end);
  return parts.join('\n\n');
}

const HEAD = `# Experiments

Written by \`npm run experiments -- all\`, or by one experiment at a time (\`--help\` names them, their data, their output and their exit codes). The
command under each table or plot makes it again; the hash names its inputs. Only what was measured stands here: an experiment without a
section has not been run on the weights of this repository. In a column "seed" are the figures of the seed's own runs on the same rows.

Rows are mined by \`npm run data -- mine\` into \`.work/rows/\` and never committed. Beside the results in \`.work/experiments\` lie LaTeX tables
(booktabs), SVG plots, all numbers as JSON, samples and failed rows. Plots are not written as PNG: the renderer for it, resvg, is under
MPL-2.0. A killed run goes on by the same command. Same seed, backbone, agents and rows give the same numbers on one machine; times, and
the last digits between processors, may differ. With \`--quick\` everything runs on the tiny model, and the document goes to the output folder.`;

/** The document with a section put in the place of its former self, or at the end. */
export function withSection(document: string | undefined, name: string, section: string): string {
  const text = document ?? `${HEAD}\n`;
  const { begin, end } = marks(name);
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) return `${text.trimEnd()}\n\n${section}\n`;
  return text.slice(0, from) + section + text.slice(to + end.length);
}
