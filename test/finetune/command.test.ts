// `npm run train`: help, usage, and Ctrl-C, which saves what --resume goes on from.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runProgram, type Outcome } from '../helpers/program.js';
import { TINY_DIRECTORY } from '../helpers/tiny.js';
import { tinyRows } from './tiny-rows.js';

describe('npm run train', () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'train-'));
    await writeFile(path.join(folder, 'rows.jsonl'), tinyRows(24));
  });
  after(() => rm(folder, { recursive: true }));

  const run = (args: readonly string[], onLine?: (line: string, interrupt: () => void) => void): Promise<Outcome> =>
    runProgram('training/finetune/main.js', args, onLine);

  const training = (...more: string[]): string[] => [
    ...['--agent', 'code-generation', '--rows', path.join(folder, 'rows.jsonl')],
    ...['--model-dir', TINY_DIRECTORY, '--from', path.join(TINY_DIRECTORY, 'code-generation.safetensors')],
    ...['--out', path.join(folder, 'out'), '--learning-rate', '0.01', '--threads', '1', ...more],
  ];

  it('explains itself with defaults', async () => {
    const { code, output } = await run(['--help']);
    assert.equal(code, 0);
    assert.match(output, /--learning-rate <rate>.*\(default: 0\.0003\)/);
    assert.match(output, /Exit codes:/);
  });

  it('refuses what it cannot use', async () => {
    assert.equal((await run(['--agent', 'painter'])).code, 2);
    assert.equal((await run(training('--epochs', '0'))).code, 2);
    assert.equal((await run(training('--resume'))).code, 1);
  });

  it('saves on Ctrl-C and goes on with --resume', async () => {
    // Once: a second Ctrl-C ends the process at once.
    const interrupted = await run(training(), (line, interrupt) => {
      if (line.includes('"step":1,')) interrupt();
    });
    assert.equal(interrupted.code, 130, interrupted.log.join('\n'));
    assert(interrupted.log.includes('{"read_rows":24,"of":24}'), 'reading shows how far it is');
    const resumed = await run(training('--resume'));
    assert.equal(resumed.code, 0, resumed.log.join('\n'));
    assert.match(resumed.output, /Better, and publishable/);
    const [first] = resumed.log
      .filter((line) => line.includes('"train_loss"'))
      .map((line) => JSON.parse(line) as { step: number });
    assert(first!.step > 1, 'it did not begin anew');
    const report = JSON.parse(await readFile(path.join(folder, 'out/report.json'), 'utf8')) as { training: object };
    assert(Object.hasOwn(report.training, 'bestLoss'));
  });
});
