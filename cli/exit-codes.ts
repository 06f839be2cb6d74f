/** How the command ended; the README lists the same codes. */
export const exitCode = {
  /** A patch that applies was proposed (and applied, with --apply). */
  patched: 0,
  /** Something failed: model not loadable, server not reachable, git missing. */
  failed: 1,
  /** The command line cannot be used: unknown option, no issue, no repository, nothing to send. */
  usage: 2,
  /** No patch is trusted, or only one that would break the syntax. */
  abstained: 3,
  /** --apply: the files changed meanwhile, so the patch was not applied. */
  notApplied: 4,
  /** --test: no patch passed the test. */
  testsFailed: 5,
  /** Ended by Ctrl-C or SIGTERM. */
  interrupted: 130,
} as const;

/** A failure with the exit code it ends in. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly exitCode: number;

  constructor(code: 'failed' | 'usage' | 'notApplied', message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.exitCode = exitCode[code];
  }
}
