import { spawn } from 'node:child_process';
import { devNull } from 'node:os';
import { CommandError } from './exit-codes.js';

/** What a git command said. */
export interface GitOutcome {
  readonly code: number;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Settings of the user that would change what is applied. */
const plain = ['core.autocrlf=false', 'core.safecrlf=false', 'apply.whitespace=nowarn', 'apply.ignoreWhitespace=no'];

/** Runs git in a folder. Throws CommandError when there is no git. */
export function git(folder: string, args: readonly string[], input = ''): Promise<GitOutcome> {
  return new Promise((resolve, reject) => {
    const child = spawn('git', [...plain.flatMap((setting) => ['-c', setting]), ...args], { cwd: folder });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    child.once('error', (cause) => {
      reject(new CommandError('failed', 'git is needed and could not be run.', { cause }));
    });
    child.once('close', (code) => {
      resolve({ code: code ?? 1, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString().trim() });
    });
  });
}

/** Whether a patch applies to the files of a folder; the reason if not. Changes nothing. */
export async function checkPatch(folder: string, diff: string): Promise<string | undefined> {
  const { code, stderr } = await git(folder, [...here(folder), 'apply', '--check', '-'], diff);
  return code === 0 ? undefined : stderr || `git apply ended with code ${code}`;
}

/** Applies a patch to the files of a folder, all of it or nothing. Throws CommandError `notApplied` when it does not fit. */
export async function applyPatch(folder: string, diff: string): Promise<void> {
  const fault = await checkPatch(folder, diff);
  if (fault !== undefined) throw new CommandError('notApplied', `The patch was not applied: ${fault}`);
  const { code, stderr } = await git(folder, [...here(folder), 'apply', '-'], diff);
  if (code !== 0) throw new CommandError('notApplied', `The patch was not applied: ${stderr}`);
}

/** In a folder of a larger repository git apply skips paths in silence; with the folder as the whole work tree it cannot. */
function here(folder: string): string[] {
  return [`--work-tree=${folder}`, `--git-dir=${devNull}`];
}
