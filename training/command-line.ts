import { CommanderError, type Command } from 'commander';
import { AgentError } from '../adapters/errors.js';
import { ModelError } from '../model/errors.js';
import { TrainingError } from './finetune/errors.js';

/** Exit codes of the training's command lines, as their --help lists them. */
export const EXIT = { done: 0, failed: 1, usage: 2, notBetter: 3, interrupted: 130 } as const;

/** What a command is given. */
export interface Running {
  /** Fires at the first Ctrl-C; a second one ends the process at once. */
  readonly signal: AbortSignal;
  /** Ends in this exit code although nothing failed. */
  readonly exitWith: (code: number) => void;
}

/**
 * Runs a command line and returns its exit code. Errors with a code of ours, or with an `exitCode`, are told in a line; what
 * commander refuses it has told itself; any other error is a bug and is thrown on. `exitCodeOf` knows more errors.
 */
export async function runCommandLine(
  argv: readonly string[],
  commandOf: (running: Running) => Command,
  exitCodeOf: (error: unknown) => number | undefined = () => undefined,
): Promise<number> {
  const interrupt = new AbortController();
  process.once('SIGINT', () => {
    interrupt.abort(new Error('Interrupted.'));
  });
  let exitCode: number = EXIT.done;
  const exitWith = (code: number): void => {
    exitCode = code;
  };
  try {
    await commandOf({ signal: interrupt.signal, exitWith }).parseAsync(argv);
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    const isCoded = error instanceof TrainingError || error instanceof ModelError || error instanceof AgentError;
    const known = isCoded ? EXIT.failed : (exitCodeOf(error) ?? ownExitCode(error));
    if (known === undefined && !interrupt.signal.aborted) throw error;
    const { message } = error as Error;
    process.stderr.write(`${isCoded ? `${error.code}: ${message}` : message}\n`);
    return interrupt.signal.aborted ? EXIT.interrupted : known!;
  }
}

function ownExitCode(error: unknown): number | undefined {
  return error instanceof Error && 'exitCode' in error && typeof error.exitCode === 'number'
    ? error.exitCode
    : undefined;
}
