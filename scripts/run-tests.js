// Runs the tests of the compiled program, then those of the Python side, and prints `N passed, N failed` as the last line.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Mocha from 'mocha';

/** The TypeScript tests, in this process. */
async function runMocha() {
  const { timeout, forbidOnly } = JSON.parse(readFileSync('.mocharc.json', 'utf8'));
  const mocha = new Mocha({ timeout, forbidOnly, reporter: 'spec' });
  const files = readdirSync('dist/test', { recursive: true })
    // A compiled test whose source is gone is a leftover of an earlier build.
    .filter((file) => file.endsWith('.test.js') && existsSync(join('test', file.replace(/js$/, 'ts'))))
    .sort();
  for (const file of files) mocha.addFile(join('dist/test', file));
  await mocha.loadFilesAsync();
  return new Promise((resolve) => {
    const runner = mocha.run(() => resolve({ passed: runner.stats.passes, failed: runner.stats.failures }));
  });
}

/** The tests of what is Python in training/, where Python has what they need. */
function runPytest() {
  const python = existsSync('.venv/bin/python') ? '.venv/bin/python' : 'python3';
  const probe = spawnSync(python, ['-c', 'import numpy, pytest, sentencepiece, torch'], { encoding: 'utf8' });
  if (probe.status !== 0) {
    const reason = probe.error ? `no ${python}` : probe.stderr.trim().split('\n').at(-1);
    console.log(`Python tests skipped: ${reason} (see training/pretrain/requirements.txt)`);
    return { passed: 0, failed: 0 };
  }
  const folder = mkdtempSync(join(tmpdir(), 'agentic-seq2seq-'));
  const report = join(folder, 'junit.xml');
  const { status } = spawnSync(
    python,
    ['-m', 'pytest', '-q', '-p', 'no:cacheprovider', `--junitxml=${report}`, 'test/pretrain', 'test/benchmark'],
    {
      stdio: 'inherit',
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
    },
  );
  const xml = existsSync(report) ? readFileSync(report, 'utf8') : '';
  rmSync(folder, { recursive: true });
  const count = (name) => Number(new RegExp(`<testsuite [^>]*\\b${name}="(\\d+)"`).exec(xml)?.[1] ?? 0);
  const failed = count('failures') + count('errors');
  // Nothing was counted, yet pytest is not content (5 means that there are no tests).
  if (failed === 0 && status !== 0 && status !== 5) return { passed: 0, failed: 1 };
  return { passed: count('tests') - failed - count('skipped'), failed };
}

const results = [await runMocha(), runPytest()];
const passed = results.reduce((sum, result) => sum + result.passed, 0);
const failed = results.reduce((sum, result) => sum + result.failed, 0);
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
