import type { Task } from '../../training/benchmark/tasks.js';

/** A bug in the format of training/benchmark/prepare.py: the sum is negative. */
export const storedBug = {
  name: 'Tiny/0#1',
  task: 'Tiny/0',
  fault: 'wrong operator',
  issue: { title: 'total is negative', body: 'assert total([1, 2]) == 3' },
  path: 'solution.py',
  content: 'def total(items):\n    result = 0\n    for item in items:\n        result -= item\n    return result\n',
  test_path: 'test_solution.py',
  test: 'from solution import *\n\nassert total([1, 2]) == 3\n',
};

/** The same as a task. */
export const bug: Task = {
  name: storedBug.name,
  task: storedBug.task,
  suite: 'humaneval',
  kind: storedBug.fault,
  issue: storedBug.issue,
  files: [{ path: storedBug.path, content: storedBug.content }],
  workspace: [
    { path: storedBug.path, content: storedBug.content },
    { path: storedBug.test_path, content: storedBug.test },
  ],
  test: ['python3', storedBug.test_path],
};

/** A patch that puts another line in place of the faulty one. */
export function replaceFault(line: string): { diff: string; files: string[]; score: number } {
  const hunk = [
    '@@ -3,3 +3,3 @@',
    '     for item in items:',
    '-        result -= item',
    `+${line}`,
    '     return result',
  ];
  return {
    diff: ['--- a/solution.py', '+++ b/solution.py', ...hunk, ''].join('\n'),
    files: ['solution.py'],
    score: 0.5,
  };
}
