import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runLimited } from '../../cli/limited-process.js';

/** The checks of a function take well below a second; what was written may loop for ever. */
const LIMITS = { timeoutMs: 10_000, memoryBytes: 2 ** 30, isolated: true };

/**
 * Whether a Python program runs to its end: in a folder and a process of its own, within limits of time and memory, without network
 * where the system lets a user cut it off. Throws RangeError when there is no python3, the signal's reason when aborted.
 */
export async function runsThrough(program: string, signal: AbortSignal): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'agentic-seq2seq-function-'));
  try {
    await writeFile(join(folder, 'program.py'), program);
    const command = ['python3', '-I', 'program.py'];
    const { ended } = await runLimited(command, { cwd: folder, temporary: folder }, { ...LIMITS, signal });
    if (ended === 'not_run') throw new RangeError('there is no python3');
    return ended === 'passed';
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
