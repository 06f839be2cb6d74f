import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { loadConfig } from '../server/config.js';
import { AppError } from '../server/errors.js';
import { GitHubApi, GitHubError } from '../server/github/api.js';
import { putComment, type IssueComment } from '../server/github/comment.js';
import { readEvent, type LabeledIssue } from '../server/github/events.js';
import { answerMarkdown, nothingReadMarkdown } from '../server/github/markdown.js';
import { keysOf } from '../server/keys.js';
import { loadContract } from '../server/openapi.js';
import { chooseFiles } from './choose-files.js';
import { answerOfServer, type Answer } from './client.js';
import { CommandError } from './exit-codes.js';
import { git } from './git.js';
import { readRepository } from './repository-files.js';

interface CommentOptions {
  readonly event: string;
  readonly repo: string;
  readonly server: string;
}

/** Below the server's default limits. */
const maxFiles = 16;
const maxTotalBytes = 3 * 2 ** 20;
const maxFileBytes = 2 ** 20;
/** For an issue without an answer of a server. */
const noAnswer = '00000000-0000-0000-0000-000000000000';

/** The command `github-comment`, which action.yml runs: the issue of an event and the files of a checkout in, a comment out. */
export function githubCommand(print: (text: string) => void, signal: AbortSignal): Command {
  return new Command('github-comment')
    .description('answer the issue of a GitHub event with a comment, by a running server (for action.yml)')
    .requiredOption('-e, --event <file>', 'payload of the event, as GITHUB_EVENT_PATH names it')
    .requiredOption('-s, --server <url>', 'the server, with the key of API_KEY')
    .option('-r, --repo <folder>', 'checkout of the repository', '.')
    .addHelpText('after', '\nGITHUB_TOKEN, GITHUB_API_URL and GITHUB_LABEL are read from the environment.')
    .action(async (options: CommentOptions) => {
      const config = loadConfig();
      const event = await labeledIssue(options.event, config.github.label);
      if (!event) {
        print('Nothing to do: no issue got the label.\n');
        return;
      }
      const [token] = await keysOf(config.github.tokens);
      if (token === undefined) throw new CommandError('usage', 'GITHUB_TOKEN is not set.');
      const api = new GitHubApi({ apiUrl: config.github.apiUrl, token: () => Promise.resolve(token) });
      const { text, answer } = await answerText(event, options, signal);
      const { repository, issue } = event;
      const { owner, repo } = repository;
      const marker = { repository: repository.id, issue, answer };
      const keys = await keysOf(config.apiKeys);
      // Where no key is shared nothing can be signed; then only a comment of a bot counts as one's own.
      const own = keys.length > 0 ? { secrets: keys } : { secrets: [''], isOwn: isOfBot };
      try {
        const outcome = await putComment(api, { owner, repo }, text, { marker, ...own }, signal);
        print(`Comment ${outcome} on ${owner}/${repo}#${issue}.\n`);
      } catch (error) {
        if (!(error instanceof GitHubError)) throw error;
        throw new CommandError('failed', `${error.code}: ${error.message}`, { cause: error });
      }
    });
}

async function labeledIssue(file: string, label: string): Promise<LabeledIssue | undefined> {
  try {
    const payload = JSON.parse(await readFile(file, 'utf8')) as { readonly issue?: unknown };
    // Events of another kind hold no issue.
    const event = payload.issue === undefined ? undefined : readEvent('issues', payload, label, loadContract());
    return event?.type === 'labeled' ? event : undefined;
  } catch (cause) {
    if (cause instanceof AppError) throw new CommandError('usage', `--event: ${cause.message}`, { cause });
    throw new CommandError('usage', `--event: ${file} cannot be read as JSON.`, { cause });
  }
}

async function answerText(
  { title, body }: LabeledIssue,
  options: CommentOptions,
  signal: AbortSignal,
): Promise<{ text: string; answer: string }> {
  const repo = resolve(options.repo);
  const { code, stdout } = await git(repo, ['rev-parse', 'HEAD']);
  if (code !== 0) throw new CommandError('usage', `--repo: ${repo} is no checkout of git.`);
  const commit = stdout.toString('utf8').trim();
  const issue = { title, body };
  const { files } = await readRepository({ repo, includeTests: false, maxFileBytes, signal });
  if (files.length === 0) return { text: nothingReadMarkdown(commit), answer: noAnswer };
  const chosen = chooseFiles(issue, files, { maxFiles, maxBytes: maxTotalBytes });
  const request = { issue, files: chosen };
  const result: Answer = await answerOfServer(request, options.server, { signal, onEvent: () => undefined });
  const text = answerMarkdown({ result, commit, files: chosen.map(({ path }) => path) });
  return { text, answer: result.id ?? noAnswer };
}

function isOfBot({ user }: IssueComment): boolean {
  return user?.type === 'Bot';
}
