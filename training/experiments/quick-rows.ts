import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { unifiedDiff } from '../../pipeline/unified-diff.js';
import { writeFileAtomic } from '../../platform/atomic-file.js';
import type { RowsFile } from './experiment.js';

const REPOSITORIES = ['apples', 'pears', 'plums'] as const;
const ROWS = 24;
const NAMES = ['count', 'price', 'limit', 'index', 'total', 'width'] as const;
const FAULTS = [
  { title: 'One is missing at the end', wrong: '<', right: '<=' },
  { title: 'The sum has the wrong sign', wrong: '-', right: '+' },
  { title: 'Equal values are taken for different ones', wrong: '!=', right: '==' },
] as const;

/** Made-up edits of three made-up repositories and made-up rows in the shape of the seed's, written for `--quick`. */
export async function writeQuickRows(
  folder: string,
): Promise<{ readonly rows: RowsFile[]; readonly sweBench: string }> {
  await mkdir(folder, { recursive: true });
  const rows: RowsFile[] = [];
  for (const [number, name] of REPOSITORIES.entries()) {
    const file = path.join(folder, `${name}.jsonl`);
    const lines = Array.from({ length: ROWS }, (_, at) => JSON.stringify(editRow(name, number, at)));
    await writeFileAtomic(file, `${lines.join('\n')}\n`);
    rows.push({ name, file });
  }
  const sweBench = path.join(folder, 'swe-bench.json');
  const made = Array.from({ length: ROWS }, (_, at) => sweBenchRow(at));
  await writeFileAtomic(sweBench, JSON.stringify(made));
  return { rows, sweBench };
}

function editRow(repository: string, number: number, at: number): object {
  const { title, wrong, right } = FAULTS[at % FAULTS.length]!;
  const name = NAMES[(at + number) % NAMES.length]!;
  const file = `${repository}/${name}_${at}.py`;
  const code = (operator: string): string =>
    `def ${name}_of(items, other):\n    ${name} = len(items)\n    return ${name} ${operator} other + ${at}\n`;
  return {
    issue: { title: `${title}: ${name}_of`, body: `With ${at} ${repository} the answer is not the one I expect.` },
    files: [{ path: file, content: code(wrong) }],
    patch: unifiedDiff(file, code(wrong), code(right)),
    commit: `${repository}-${at}`,
  };
}

function sweBenchRow(at: number): object {
  const { title, right } = FAULTS[at % FAULTS.length]!;
  const name = NAMES[at % NAMES.length]!;
  const description = `${title} in ${name}_of, number ${at}`;
  return {
    instance_id: `made-up-${at}`,
    split: at < 12 ? 'train' : at < 18 ? 'adapt' : 'test',
    input: `<ISSUE_DESC>\n${description}\n</ISSUE_DESC>`,
    issue_target: [
      '<PROBLEM>\nsoftware behavior issue\n</PROBLEM>',
      '<FAULT_TYPE>\nbehavioral defect\n</FAULT_TYPE>',
      `<FAULT_LOCATION>\n${name}_of\n</FAULT_LOCATION>`,
      '<EXPECTED_BEHAVIOR>\nthe right answer\n</EXPECTED_BEHAVIOR>',
      '<PATCH_HINT>\nmodify localized behavior using existing API\n</PATCH_HINT>',
      `<DETAILS>\n${description}\n</DETAILS>`,
    ].join('\n'),
    code_target: `def generated_patch():\n    return ${name} ${right} other`,
  };
}
