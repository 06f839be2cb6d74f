import { stripVTControlCharacters } from 'node:util';
import type { CandidateTest } from './candidate-tests.js';
import type { Answer } from './client.js';

/** Writes text in one of four ways; without colour all are the same. */
export interface Palette {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly cyan: (text: string) => string;
}

/** Colours of a terminal, or none. */
export function palette(colours: boolean): Palette {
  const paint =
    (open: number, close: number) =>
    (text: string): string =>
      colours ? `\u001b[${open}m${text}\u001b[${close}m` : text;
  return { bold: paint(1, 22), dim: paint(2, 22), red: paint(31, 39), green: paint(32, 39), cyan: paint(36, 39) };
}

/** Analysis and patches for people; `only` one of the patches, counted from 0, when it is given. */
export function renderAnswer(answer: Answer, colours: boolean, only?: number): string {
  const paint = palette(colours);
  const blocks = [renderAnalysis(answer, paint)];
  for (const [index, patch] of answer.patches.entries()) {
    if (only !== undefined && index !== only) continue;
    const count = answer.patches.length > 1 ? ` ${index + 1} of ${answer.patches.length}` : '';
    const broken = patch.status === 'syntax_error' ? paint.red(' (the result does not parse)') : '';
    blocks.push(
      `${paint.bold(`Patch${count}`)}, score ${patch.score.toFixed(2)}${broken}\n${renderDiff(patch.diff, paint)}`,
    );
  }
  if (answer.patches.length === 0) blocks.push(paint.bold(abstention(answer)));
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

const testLabels: Record<CandidateTest['ended'], string> = {
  passed: 'the test passes',
  failed: 'the test fails',
  timed_out: 'the test takes too long',
  does_not_apply: 'does not apply',
  does_not_parse: 'the result does not parse, so it is not tested',
};
const outputLines = 8;

/** How the patches fared with the user's test, each with the last lines of what it wrote unless it passed. */
export function renderTests(tests: readonly CandidateTest[], count: number, colours: boolean): string {
  const paint = palette(colours);
  const blocks = tests.map(({ ended, exit_code, output }, index) => {
    const code = ended === 'failed' && exit_code !== null ? ` (exit code ${exit_code})` : '';
    const head = `${paint.bold(`Patch ${index + 1} of ${count}`)}: ${testLabels[ended]}${code}\n`;
    const tail = ended === 'passed' ? [] : output.trim().split('\n').slice(-outputLines);
    return head + tail.map((line) => (line.trim() === '' ? '' : `  ${paint.dim(printable(line))}\n`)).join('');
  });
  return blocks.join('');
}

function renderAnalysis({ analysis }: Answer, paint: Palette): string {
  if (!analysis) return '';
  const row = (name: string, text: string): string => `  ${paint.dim(name.padEnd(9))}${printable(text)}`;
  return [
    `${paint.bold('Analysis')}, confidence ${analysis.confidence.toFixed(2)}`,
    row('problem', analysis.problem),
    row('type', analysis.fault_type),
    row('location', analysis.fault_location),
    ...(analysis.line === '' ? [] : [row('line', analysis.line)]),
    row('plan', analysis.hint),
  ].join('\n');
}

/** A unified diff with its lines coloured by kind. */
export function renderDiff(diff: string, paint: Palette): string {
  return diff
    .replace(/\n$/, '')
    .split('\n')
    .map((raw) => {
      const line = printable(raw);
      if (/^(?:diff|index|---|\+\+\+) /.test(line)) return paint.bold(line);
      if (line.startsWith('@@')) return paint.cyan(line);
      if (line.startsWith('+')) return paint.green(line);
      if (line.startsWith('-')) return paint.red(line);
      return line;
    })
    .join('\n');
}

function abstention(answer: Answer): string {
  switch (answer.abstained_because) {
    case 'nothing_to_edit':
      return 'No patch: the files hold no lines to edit.';
    case 'no_candidate':
      return 'No patch: no edit came to mind that changes the code.';
    case 'out_of_time':
      return 'No patch: the time was up before one was written.';
    default:
      return 'No patch: none is trusted enough to be shown; --min-score 0 shows the best all the same, --test lets your tests decide.';
  }
}

/** Code of a stranger must not steer the terminal. */
function printable(text: string): string {
  // eslint-disable-next-line no-control-regex -- these are what is removed
  return stripVTControlCharacters(text).replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');
}
