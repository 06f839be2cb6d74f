import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { throwIfAborted } from '../../model/errors.js';
import { TrainingError } from '../finetune/errors.js';

/** Settings of a user that would change what is read. */
const PLAIN = ['core.quotePath=false', 'diff.noprefix=false', 'diff.mnemonicPrefix=false'];

/** A repository that is only read. */
export class GitRepository {
  constructor(
    readonly folder: string,
    private readonly signal?: AbortSignal,
  ) {}

  /** All that a command says. Throws `TrainingError` (`repository_unreadable`), `ModelError` (`aborted`). */
  async read(args: readonly string[], input = ''): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for await (const chunk of this.run(args, input)) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  /** The lines of what a command says, without their ends, as they come. Throws as {@link read}. */
  async *lines(args: readonly string[], input = ''): AsyncGenerator<string> {
    const decoder = new TextDecoder();
    let open: string[] = [];
    for await (const chunk of this.run(args, input)) {
      const [first, ...others] = decoder.decode(chunk, { stream: true }).split('\n') as [string, ...string[]];
      open.push(first);
      for (const next of others) {
        yield open.join('');
        open = [next];
      }
    }
    const last = open.join('') + decoder.decode();
    if (last !== '') yield last;
  }

  private async *run(args: readonly string[], input: string): AsyncGenerator<Buffer> {
    throwIfAborted(this.signal);
    const child = spawn('git', ['-C', this.folder, ...PLAIN.flatMap((setting) => ['-c', setting]), ...args], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const ended = outcome(child);
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
    try {
      for await (const chunk of child.stdout) {
        throwIfAborted(this.signal);
        yield chunk as Buffer;
      }
      const fault = await ended;
      // Ctrl-C reaches git as well; then it is no fault of the repository.
      throwIfAborted(this.signal);
      if (fault !== undefined) throw new TrainingError('repository_unreadable', `${this.folder}: ${fault}`);
    } finally {
      child.kill();
    }
  }
}

/** What went wrong, once the command has ended. */
async function outcome(child: ChildProcessByStdio<Writable, Readable, Readable>): Promise<string | undefined> {
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    return code === 0 ? undefined : stderr.trim() || `git ended with code ${code ?? 'none'}`;
  } catch (error) {
    return `git could not be run: ${(error as Error).message}`;
  }
}
