import type { ProposedPatch } from '../pipeline/types.js';
import { CommandError } from './exit-codes.js';
import { applyPatch, checkPatch } from './git.js';
import { runLimited, type RunLimits } from './limited-process.js';
import { withScratchCopy } from './scratch-copy.js';

/** What became of one candidate. */
export interface CandidateTest {
  readonly ended: 'passed' | 'failed' | 'timed_out' | 'does_not_apply' | 'does_not_parse';
  /** Of the test; null when it was killed or not run. */
  readonly exit_code: number | null;
  /** The end of what the test wrote, or why it was not run. */
  readonly output: string;
}

/** A test of the user, and its limits. */
export interface TestSettings {
  /** A line for the shell. */
  readonly command: string;
  readonly limits: RunLimits;
  /** Called before each candidate, counted from 0. */
  readonly onCandidate: (index: number) => void;
}

/**
 * Tests candidates in order, each in a fresh copy of the folder, up to the first that passes; one outcome for each that was
 * tried. The folder itself is only read. Throws CommandError `usage` when the test cannot be run at all, and the signal's
 * reason when aborted.
 */
export async function testCandidates(
  repo: string,
  patches: readonly Pick<ProposedPatch, 'diff' | 'status'>[],
  settings: TestSettings,
): Promise<CandidateTest[]> {
  const tests: CandidateTest[] = [];
  for (const [index, patch] of patches.entries()) {
    settings.onCandidate(index);
    const test = await testCandidate(repo, patch, settings);
    tests.push(test);
    if (test.ended === 'passed') break;
  }
  return tests;
}

async function testCandidate(
  repo: string,
  { diff, status }: Pick<ProposedPatch, 'diff' | 'status'>,
  { command, limits }: TestSettings,
): Promise<CandidateTest> {
  if (status !== 'applies') return { ended: 'does_not_parse', exit_code: null, output: '' };
  const test = async (cwd: string, temporary: string): Promise<CandidateTest> => {
    const fault = await checkPatch(cwd, diff);
    if (fault !== undefined) return { ended: 'does_not_apply', exit_code: null, output: fault };
    await applyPatch(cwd, diff);
    const { ended, exitCode, output } = await runLimited(['sh', '-c', command], { cwd, temporary }, limits);
    if (ended === 'not_run') throw new CommandError('usage', `--test: the command cannot be run: ${output.trim()}`);
    return { ended, exit_code: exitCode, output };
  };
  return withScratchCopy(repo, ({ cwd, temporary }) => test(cwd, temporary), limits.signal);
}
