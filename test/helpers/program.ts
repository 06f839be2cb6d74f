import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { ROOT } from './tiny.js';

/** What a program that has ended wrote: stdout whole, stderr by lines. */
export interface Outcome {
  readonly code: number | null;
  readonly output: string;
  readonly log: readonly string[];
}

/** Runs a program of `dist/` to its end; `onLine` may interrupt it when a line of stderr comes. */
export async function runProgram(
  program: string,
  args: readonly string[],
  onLine?: (line: string, interrupt: () => void) => void,
): Promise<Outcome> {
  const child = spawn(process.execPath, [path.join(ROOT, 'dist', program), ...args]);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const log: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    log.push(line);
    onLine?.(line, () => child.kill('SIGINT'));
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output, log };
}
