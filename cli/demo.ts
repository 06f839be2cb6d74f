import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { environmentWith, loadConfig, packageRoot } from '../server/config.js';
import { caseNames, loadCase, testsPass, withCopy, type Case } from './cases.js';
import { answerOfServer, type Answer } from './client.js';
import { applyPatch, checkPatch } from './git.js';
import { renderAnswer } from './render.js';

/** The case that is shown when none is named: one of those that the shipped weights solve. */
const defaultCase = 'empty-samples';

/**
 * The whole path once: starts a server on a free port, sends it the issue and the code of a case, prints analysis and patch,
 * checks the patch with git and the case's tests, stops the server. Patches that score low are shown, too. Exits with 0 when
 * the patch applies.
 */
async function main(name = defaultCase): Promise<number> {
  const { modelDir, abstainBelow } = loadConfig();
  if (!existsSync(join(modelDir, 'config.json'))) {
    say(
      `There is no model in ${modelDir}. Choose another with MODEL_DIR and AGENTS_DIR; the README says what is there.`,
    );
    return 1;
  }
  if (!(await caseNames()).includes(name)) {
    say(`There is no case ${name}. These exist: ${(await caseNames()).join(', ')}.`);
    return 2;
  }
  const example = await loadCase(name);
  say(`Case ${name} (${example.kind})\n\n${quote(`${example.issue.title}\n\n${example.issue.body}`)}\n`);
  const server = spawn(process.execPath, [join(packageRoot, 'dist', 'server', 'main.js')], {
    // The address is read from the log line that says the server is ready.
    env: environmentWith({ HOST: '127.0.0.1', PORT: '0', LOG_LEVEL: 'info', MAX_PATCHES: '8' }),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const url = await readyUrl(server);
    say(`Server ready at ${url}. POST /v1/patches with ${example.files.map((file) => file.path).join(', ')} …\n`);
    const options = { signal: AbortSignal.timeout(300_000), onEvent: () => undefined };
    const request = { issue: example.issue, files: example.files, n: 3, min_score: 0 };
    const answer = await answerOfServer(request, url, options);
    say(renderAnswer(answer, process.stdout.isTTY && process.stdout.hasColors()));
    say(`Without min_score 0 the server holds back what scores below ${abstainBelow}.`);
    say(`${(answer.timings['total'] ?? 0).toFixed(0)} ms, release ${releaseOf(answer)}.\n`);
    return (await verify(example, answer)) ? 0 : 1;
  } finally {
    await stop(server);
  }
}

/** Checks each patch on a copy of the case. */
async function verify(example: Case, answer: Answer): Promise<boolean> {
  let allApply = answer.patches.length > 0;
  for (const [index, { diff }] of answer.patches.entries()) {
    await withCopy(example, async (copy) => {
      const fault = await checkPatch(copy, diff);
      if (fault !== undefined) {
        allApply = false;
        say(`Patch ${index + 1}: git apply --check fails: ${fault}`);
        return;
      }
      await applyPatch(copy, diff);
      const passed = await testsPass(example, copy);
      const tests = { true: 'pass', false: 'do not pass', undefined: 'could not be run' }[String(passed)] ?? '';
      say(`Patch ${index + 1}: git apply --check is content; the case's tests ${tests}.`);
    });
  }
  return allApply;
}

/** Waits for the log line that says the server is ready. */
async function readyUrl(server: ChildProcess): Promise<string> {
  if (!server.stdout) throw new Error('This is a bug: the server has no output.');
  for await (const line of createInterface({ input: server.stdout })) {
    const entry = JSON.parse(line) as { msg?: string; url?: string; err?: { message?: string } };
    if (entry.err?.message !== undefined) throw new Error(`The server did not start: ${entry.err.message}`);
    if (entry.msg === 'ready' && entry.url !== undefined) {
      server.stdout.resume();
      return entry.url;
    }
  }
  throw new Error('The server did not start.');
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null) return;
  server.kill('SIGTERM');
  await once(server, 'exit');
}

function releaseOf({ release }: Answer): string {
  return `${release.issue_analysis.slice(0, 12)} + ${release.code_generation.slice(0, 12)}`;
}

function quote(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

try {
  process.exitCode = await main(process.argv[2]);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
