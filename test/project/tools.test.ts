// Proves: the sources keep to the formatter, the linter and the layers, and the tools really looked at them.
import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../server/config.js';

interface Outcome {
  readonly code: number;
  readonly output: string;
}

/** Runs a tool of node_modules/.bin in the package. */
function tool(name: string, ...args: string[]): Promise<Outcome> {
  const program = join(packageRoot, 'node_modules', '.bin', name);
  return new Promise((resolve) => {
    execFile(program, args, { cwd: packageRoot, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      const code = typeof error?.code === 'number' ? error.code : error ? 1 : 0;
      resolve({ code, output: `${stdout}${stderr}` });
    });
  });
}

describe('sources', () => {
  it('are formatted by prettier', async () => {
    const { code, output } = await tool('prettier', '--check', '--log-level', 'warn', '.');
    assert.equal(code, 0, output);
  });

  it('pass eslint with types', async function () {
    this.timeout(300_000);
    const { code, output } = await tool('eslint', '--max-warnings', '0', '.');
    assert.equal(code, 0, output);
  });

  it('keep to the layers', async () => {
    const folders = [
      'platform',
      'page',
      'agents',
      'server',
      'pipeline',
      'model',
      'adapters',
      'cli',
      'training',
      'bench',
      'test',
    ].filter((folder) => existsSync(join(packageRoot, folder)));
    const { output } = await tool(
      'depcruise',
      '--config',
      '.dependency-cruiser.cjs',
      '--output-type',
      'json',
      ...folders,
    );
    const { summary, modules } = JSON.parse(output) as {
      summary: { violations: { from: string; to: string; rule: { name: string } }[]; totalCruised: number };
      modules: { source: string; dependencies: { resolved: string }[] }[];
    };
    const violations = summary.violations.map(({ from, to, rule }) => `${rule.name}: ${from} → ${to}`);
    assert.deepEqual(violations, []);
    // A cruiser that finds no modules finds no violations either.
    assert.ok(summary.totalCruised > 100, `${summary.totalCruised} modules`);
    const runtime = modules.filter((module) =>
      module.dependencies.some(({ resolved }) => resolved.includes('onnxruntime-node')),
    );
    assert.ok(runtime.some((module) => module.source === 'model/onnx.ts'));
  });
});
