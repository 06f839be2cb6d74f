import { cp, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PatchRequest } from '../pipeline/types.js';
import { packageRoot } from '../server/config.js';
import { splitIssue } from '../server/request-checks.js';
import { runLimited } from './limited-process.js';
import type { TextFile } from './repository-files.js';

/** A folder of test/cases: an issue, the code it is about, and tests that fail until it is fixed. */
export interface Case {
  readonly name: string;
  readonly folder: string;
  /** What kind of fault it is, for people. */
  readonly kind: string;
  readonly issue: PatchRequest['issue'];
  readonly files: readonly TextFile[];
  /** Program and arguments that decide, run in a copy of the folder. */
  readonly test: readonly string[];
  /** A patch that passes, for reference; the model never sees it. */
  readonly expectedFix: string;
}

interface CaseFile {
  readonly kind: string;
  readonly files: readonly string[];
  readonly test: readonly string[];
  readonly expected_fix: string;
}

const casesFolder = join(packageRoot, 'test', 'cases');

/** The names of all cases. */
export async function caseNames(): Promise<string[]> {
  const entries = await readdir(casesFolder, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
}

/** Reads one case. */
export async function loadCase(name: string): Promise<Case> {
  const folder = join(casesFolder, name);
  const read = (file: string): Promise<string> => readFile(join(folder, file), 'utf8');
  const { kind, files, test, expected_fix } = JSON.parse(await read('case.json')) as CaseFile;
  return {
    name,
    folder,
    kind,
    issue: splitIssue(await read('issue.md')),
    files: await Promise.all(files.map(async (path) => ({ path, content: await read(path) }))),
    test,
    expectedFix: await read(expected_fix),
  };
}

/** Hands a copy of a case's folder to `use` and removes it afterwards. */
export async function withCopy<T>({ folder }: Case, use: (copy: string) => Promise<T>): Promise<T> {
  const copy = await mkdtemp(join(tmpdir(), 'agentic-seq2seq-'));
  try {
    await cp(folder, copy, { recursive: true });
    return await use(copy);
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

/** Whether the case's tests pass in a folder, within limits; undefined when their program cannot be run. */
export async function testsPass({ test }: Case, folder: string): Promise<boolean | undefined> {
  const limits = { timeoutMs: 60_000, memoryBytes: 2 ** 30 };
  const { ended } = await runLimited(test, { cwd: folder, temporary: folder }, limits);
  return ended === 'not_run' ? undefined : ended === 'passed';
}
