import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../server/config.js';
import type { Timing } from './timing.js';

/** What the rival can be asked for; the answer is a time. `decode` answers with the mean time of one step. */
export type RivalCommand =
  | { readonly name: 'prefill'; readonly input: number }
  | { readonly name: 'request'; readonly input: number; readonly output: number }
  | { readonly name: 'decode'; readonly rows: number; readonly context: number; readonly steps: number };

export type RivalReply = Timing;

const entry = join(packageRoot, 'bench', 'node_modules', 'node-llama-cpp', 'dist', 'index.js');
export const defaultGguf = join(packageRoot, '.work', 'bench', 'smollm2-135m-q8_0.gguf');

/** What is missing for the comparison, each with the command that brings it. */
export function missingForRival(gguf: string): string[] {
  const missing: string[] = [];
  if (!existsSync(entry)) missing.push('node-llama-cpp is not installed: npm ci --prefix bench --ignore-scripts');
  if (!existsSync(gguf))
    missing.push(`${gguf} is not there: python bench/prepare.py (its first lines say what it needs)`);
  return missing;
}

/** llama.cpp in a process of its own. */
export class Rival {
  private constructor(
    private readonly child: ChildProcess,
    private readonly lines: AsyncIterator<string>,
    /** What llama.cpp says about the processor's instructions it uses. */
    readonly systemInfo: string,
  ) {}

  static async start(options: { gguf: string; threads: number; context: number; sequences: number }): Promise<Rival> {
    const { gguf, threads, context, sequences } = options;
    const program = fileURLToPath(new URL('./rival-process.js', import.meta.url));
    const child = spawn(process.execPath, [program, entry, gguf, String(threads), String(context), String(sequences)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const { ready } = await nextAnswer<{ ready: string }>(lines);
    return new Rival(child, lines, ready.trim());
  }

  async measure(command: RivalCommand): Promise<Timing> {
    this.child.stdin?.write(`${JSON.stringify(command)}\n`);
    return nextAnswer<RivalReply>(this.lines);
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null) return;
    this.child.stdin?.end();
    await once(this.child, 'exit');
  }
}

/** The next line that is JSON; llama.cpp's own messages are skipped. */
async function nextAnswer<T>(lines: AsyncIterator<string>): Promise<T> {
  for (;;) {
    const next = await lines.next();
    if (next.done === true) throw new Error('llama.cpp has ended unexpectedly.');
    if (next.value.startsWith('{')) return JSON.parse(next.value) as T;
  }
}
