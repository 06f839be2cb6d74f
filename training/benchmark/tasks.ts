import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { caseNames, loadCase } from '../../cli/cases.js';
import { createRandom } from '../../model/random.js';
import type { PatchRequest } from '../../pipeline/types.js';

/** A text file. */
export interface TaskFile {
  readonly path: string;
  readonly content: string;
}

/** A bug to be repaired, and the tests that decide. */
export interface Task {
  /** Of this bug. */
  readonly name: string;
  /** Shared by the bugs of one HumanEval task; the name of a case. */
  readonly task: string;
  readonly suite: 'humaneval' | 'cases';
  /** What is wrong. */
  readonly kind: string;
  readonly issue: PatchRequest['issue'];
  /** What the model is shown. */
  readonly files: readonly TaskFile[];
  /** What the tests need, the files shown among it. */
  readonly workspace: readonly TaskFile[];
  /** Program and arguments that decide, run in the workspace. */
  readonly test: readonly string[];
}

interface StoredBug {
  readonly name: string;
  readonly task: string;
  readonly fault: string;
  readonly issue: PatchRequest['issue'];
  readonly path: string;
  readonly content: string;
  readonly test_path: string;
  readonly test: string;
}

/** The bugs that training/benchmark/prepare.py wrote. */
export async function readHumanEval(file: string): Promise<Task[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const bug = JSON.parse(line) as StoredBug;
    const shown = { path: bug.path, content: bug.content };
    return {
      name: bug.name,
      task: bug.task,
      suite: 'humaneval',
      kind: bug.fault,
      issue: bug.issue,
      files: [shown],
      workspace: [shown, { path: bug.test_path, content: bug.test }],
      test: ['python3', bug.test_path],
    };
  });
}

/** The project's own cases. */
export async function readCases(): Promise<Task[]> {
  return Promise.all(
    (await caseNames()).map(async (name): Promise<Task> => {
      const { folder, kind, issue, files, test } = await loadCase(name);
      const entries = await readdir(folder, { recursive: true, withFileTypes: true });
      const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
      const workspace = await Promise.all(
        paths.map(async (path) => ({ path: path.slice(folder.length + 1), content: await readFile(path, 'utf8') })),
      );
      return { name, task: name, suite: 'cases', kind, issue, files, workspace, test };
    }),
  );
}

/** `count` of the items drawn by the seed, in their order; all of them when there are no more. */
export function draw<T>(items: readonly T[], count: number, seed: number): T[] {
  const random = createRandom(seed);
  const order = items.map((_item, index) => ({ index, key: random() })).sort((a, b) => a.key - b.key);
  const drawn = new Set(order.slice(0, count).map(({ index }) => index));
  return items.filter((_item, index) => drawn.has(index));
}
