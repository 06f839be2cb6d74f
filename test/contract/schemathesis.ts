import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { packageRoot } from '../../server/config.js';
import { KEY, type ContractServer } from './contract-server.js';

/**
 * Lets Schemathesis send what it makes of openapi.yaml, with all of its checks. Resolves with its exit code (0: it found nothing)
 * and what it wrote, which is passed on meanwhile with `shown`.
 */
export async function schemathesis(
  server: ContractServer,
  options: { readonly examples: number; readonly seed?: number; readonly shown?: boolean },
): Promise<{ readonly code: number; readonly output: string }> {
  const { examples, seed, shown = false } = options;
  const child = spawn(
    'schemathesis',
    [
      `--config-file=${join(packageRoot, 'test', 'contract', 'schemathesis.toml')}`,
      'run',
      join(packageRoot, 'openapi.yaml'),
      `--url=${server.process.url}`,
      `--header=Authorization: Bearer ${KEY}`,
      `--max-examples=${examples}`,
      '--checks=all',
      '--continue-on-failure',
      '--no-color',
      '--generation-database=none',
      ...(seed === undefined ? [] : [`--seed=${seed}`]),
    ],
    // It leaves a folder behind where it runs.
    { cwd: server.folder, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (shown) process.stdout.write(chunk);
    });
  }
  const [code] = (await once(child, 'close')) as [number | null];
  return { code: code ?? 1, output };
}
