import { spawn, spawnSync } from 'node:child_process';
import { environmentWith } from '../server/config.js';

/** Bounds of one run. */
export interface RunLimits {
  readonly timeoutMs: number;
  /** Private writable memory of each process; the system refuses more, so that the program fails by itself. */
  readonly memoryBytes: number;
  /** Cuts network and other processes off, on systems that let a user do so ({@link canIsolate}). */
  readonly isolated?: boolean;
  /** Kills the program; the promise then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** How a program ended. */
export interface RunOutcome {
  /** `not_run`: there is no such program, or it may not be executed. */
  readonly ended: 'passed' | 'failed' | 'timed_out' | 'not_run';
  /** Null when it was killed. */
  readonly exitCode: number | null;
  /** The end of what it wrote, standard output and error together. */
  readonly output: string;
}

const maxOutputCharacters = 4096;
/** How long output may stay open after the program has ended: a process that left its group may hold it. */
const graceMs = 1000;
/** By these codes a shell says that a program is not there or not executable. */
const notFoundCodes: readonly (number | null)[] = [126, 127];

/** A group of its own for users, network and processes; all of it dies with its first process. */
const isolation = ['unshare', '--user', '--map-current-user', '--net', '--pid', '--fork', '--kill-child', '--'];

let isolationWorks: boolean | undefined;

/** Whether programs can be run without network and apart from other processes here. */
export function canIsolate(): boolean {
  isolationWorks ??= spawnSync(isolation[0]!, [...isolation.slice(1), 'true']).status === 0;
  return isolationWorks;
}

/**
 * Runs a program in a folder, without input, within limits of time and memory. When it ends, is too late or is aborted,
 * whatever it started in its process group is killed, too. `temporary` is where it is told to put temporary files.
 */
export async function runLimited(
  command: readonly string[],
  folder: { readonly cwd: string; readonly temporary: string },
  { timeoutMs, memoryBytes, isolated = false, signal }: RunLimits,
): Promise<RunOutcome> {
  signal?.throwIfAborted();
  // Of the data segment, not of the address space: runtimes such as Node reserve far more addresses than they use.
  const limit = ['sh', '-c', 'ulimit -d "$0" && exec "$@"', String(Math.ceil(memoryBytes / 1024)), ...command];
  const [program = '', ...args] = isolated && canIsolate() ? [...isolation, ...limit] : limit;
  const outcome = await new Promise<RunOutcome>((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: folder.cwd,
      // A group of its own: Ctrl-C on the terminal does not reach it, and it can be killed as a whole.
      detached: true,
      // Compiled files would be shared by tests of different candidates that are equally old and long.
      env: environmentWith({ TMPDIR: folder.temporary, PYTHONDONTWRITEBYTECODE: '1' }),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let timedOut = false;
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-maxOutputCharacters);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const kill = (): void => {
      if (child.pid !== undefined) killGroup(child.pid);
    };
    const timer = setTimeout(() => {
      timedOut = true;
      kill();
    }, timeoutMs);
    signal?.addEventListener('abort', kill, { once: true });
    let grace: NodeJS.Timeout | undefined;
    child.once('exit', () => {
      clearTimeout(timer);
      kill();
      grace = setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, graceMs);
    });
    const finish = (): void => {
      clearTimeout(timer);
      clearTimeout(grace);
      signal?.removeEventListener('abort', kill);
    };
    child.once('error', (error) => {
      finish();
      reject(error);
    });
    child.once('close', (exitCode) => {
      finish();
      const ended = timedOut
        ? 'timed_out'
        : exitCode === 0
          ? 'passed'
          : notFoundCodes.includes(exitCode)
            ? 'not_run'
            : 'failed';
      resolve({ ended, exitCode, output });
    });
  });
  signal?.throwIfAborted();
  return outcome;
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, 'SIGKILL');
  } catch (error) {
    // Nobody is left in it.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
