import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import type { PatchRequest } from '../pipeline/types.js';
import { loadConfig } from '../server/config.js';
import { splitIssue } from '../server/request-checks.js';
import { testCandidates, type CandidateTest } from './candidate-tests.js';
import { chooseFiles } from './choose-files.js';
import { answerHere, answerOfServer, type Answer, type CallOptions } from './client.js';
import { CommandError, exitCode } from './exit-codes.js';
import { applyPatch } from './git.js';
import { startProgress, startTestProgress } from './progress.js';
import { renderAnswer, renderTests } from './render.js';
import { readRepository, type TextFile } from './repository-files.js';

/** The options of `patch`, as parsed. */
export interface PatchOptions {
  /** File with the issue, `-` for standard input. */
  readonly issue: string;
  readonly repo: string;
  readonly apply: boolean;
  readonly json: boolean;
  /** A line for the shell: the first patch with which it passes is proposed. */
  readonly test?: string;
  /** Seconds for one run of the test. */
  readonly testTimeout: number;
  /** Mebibytes of each process of the test. */
  readonly testMemory: number;
  /** Default 1, with a test {@link testedPatches}. */
  readonly n?: number;
  readonly seed?: number;
  readonly temperature?: number;
  /** 0 to 1; without it the server's threshold, with a test 0. */
  readonly minScore?: number;
  /** URL of a server; without it the model runs here. */
  readonly server?: string;
  readonly maxFiles: number;
  readonly includeTests: boolean;
}

/** Standard streams, and what ends the command early. */
export interface CommandContext {
  readonly stdin: NodeJS.ReadableStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly signal: AbortSignal;
}

/** Bytes of all files sent, below the server's default limit for a body. */
const maxTotalBytes = 3 * 2 ** 20;

/** Patches wanted where a test decides; what a server allows by default. */
const testedPatches = 8;

/** Issue and repository in, analysis and patch out. Returns the exit code; throws CommandError. */
export async function runPatch(options: PatchOptions, context: CommandContext): Promise<number> {
  const { signal, stdout, stderr } = context;
  const repo = resolve(options.repo);
  if (options.test?.trim() === '') throw new CommandError('usage', '--test: the command is empty.');
  const issue = await readIssue(options.issue, context);
  const progress = startProgress(stderr, 'choosing files');
  let files: readonly TextFile[];
  let answer: Answer;
  try {
    files = await filesFor(issue, repo, options, context);
    progress.doing(options.server === undefined ? 'loading the model' : 'waiting for the server');
    const { n, test, seed, temperature, server } = options;
    // Where a test decides, it says whom to trust.
    const minScore = options.minScore ?? (test === undefined ? undefined : 0);
    const request: PatchRequest = {
      issue,
      files,
      n: n ?? (test === undefined ? 1 : testedPatches),
      ...(minScore !== undefined && { min_score: minScore }),
      ...(seed !== undefined && { seed }),
      ...(temperature !== undefined && { temperature }),
    };
    const call: CallOptions = { signal, onEvent: progress.onEvent };
    answer =
      server === undefined
        ? await answerHere(request, loadConfig(), call)
        : await answerOfServer(request, server, call);
  } finally {
    progress.stop();
  }

  const tests = options.test === undefined ? undefined : await runTests(repo, answer, options, context);
  const chosen = answer.patches.findIndex(({ status }, index) =>
    tests ? tests[index]?.ended === 'passed' : status === 'applies',
  );
  const best = answer.patches[chosen];
  const applied = options.apply && best !== undefined;
  // The patch is shown before it is applied: if that fails, it is still of use.
  if (!options.json) stdout.write(renderAnswer(answer, hasColours(stdout), best && tests ? chosen : undefined));
  let failure: CommandError | undefined;
  try {
    if (applied) await applyPatch(repo, best.diff);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    failure = error;
  }
  if (options.json) {
    const sent = files.map((file) => file.path);
    const report = { ...answer, sent, ...(tests && { tests }), applied: applied && failure === undefined };
    stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  }
  if (failure !== undefined) throw failure;
  if (applied && !options.json) stdout.write(`\nApplied to ${best.files.join(', ')}.\n`);
  if (best) return exitCode.patched;
  return tests && tests.length > 0 ? exitCode.testsFailed : exitCode.abstained;
}

/** Puts the patches to the user's test and says on the standard error how they fared. */
async function runTests(
  repo: string,
  { patches }: Answer,
  { test: command = '', testTimeout, testMemory }: PatchOptions,
  { stderr, signal }: CommandContext,
): Promise<CandidateTest[]> {
  const progress = startTestProgress(stderr, patches.length);
  try {
    const limits = { timeoutMs: testTimeout * 1000, memoryBytes: testMemory * 2 ** 20, signal };
    const tests = await testCandidates(repo, patches, { command, limits, onCandidate: progress.testing });
    progress.stop();
    stderr.write(renderTests(tests, patches.length, hasColours(stderr)));
    return tests;
  } finally {
    progress.stop();
  }
}

async function readIssue(source: string, { stdin }: CommandContext): Promise<PatchRequest['issue']> {
  let content: string;
  try {
    content = source === '-' ? await text(stdin) : await readFile(source, 'utf8');
  } catch (cause) {
    throw new CommandError('usage', `--issue: ${source} cannot be read.`, { cause });
  }
  if (content.trim() === '') throw new CommandError('usage', '--issue: the issue is empty.');
  return splitIssue(content);
}

async function filesFor(
  issue: PatchRequest['issue'],
  repo: string,
  options: PatchOptions,
  { signal, stderr }: CommandContext,
): Promise<readonly TextFile[]> {
  const isFolder = await stat(repo).then(
    (status) => status.isDirectory(),
    () => false,
  );
  if (!isFolder) throw new CommandError('usage', `--repo: ${repo} is not a folder.`);
  const { includeTests, maxFiles } = options;
  const { files, left } = await readRepository({ repo, includeTests, maxFileBytes: 2 ** 20, signal });
  if (left > 0) stderr.write(`${left} more files were not looked at.\n`);
  if (files.length === 0) throw new CommandError('usage', `--repo: ${repo} holds no source files.`);
  return chooseFiles(issue, files, { maxFiles, maxBytes: maxTotalBytes });
}

function hasColours(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY && stream.hasColors();
}
