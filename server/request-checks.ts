import type { PatchRequest } from '../pipeline/types.js';
import type { Limits } from './config.js';
import { AppError, type ErrorDetail } from './errors.js';
import type { Contract } from './openapi.js';

/** The body of POST /v1/patches once it fits the schema. */
interface PatchBody {
  readonly issue: string | { readonly title: string; readonly body?: string };
  readonly files: readonly { readonly path: string; readonly content: string }[];
  readonly n?: number;
  readonly seed?: number;
  readonly temperature?: number;
  readonly max_new_tokens?: number;
  readonly max_time_ms?: number;
  readonly min_score?: number;
  readonly redact?: readonly string[];
  readonly stream?: boolean;
}

/** A request as the contract sends it: its files are text. */
export interface TextRequest extends PatchRequest {
  readonly files: PatchBody['files'];
}

/** What a body asks for. */
export interface CheckedRequest {
  readonly request: TextRequest;
  /** Texts that are not to be kept for feedback. */
  readonly marks: readonly string[];
  /** Whether the answer is wanted as events. */
  readonly stream: boolean;
}

/**
 * Turns a parsed JSON body into a request for the pipeline, or throws an AppError that names every place at fault.
 * First the schema of openapi.yaml, then sizes, then what a schema cannot say.
 */
export function readPatchRequest(body: unknown, contract: Contract, limits: Limits): CheckedRequest {
  const faults = contract.requestBody('createPatches')(body);
  if (faults.length > 0) throw invalid('invalid_request', 'The request does not fit the contract', faults);
  const { issue: rawIssue, files, redact, stream = false, ...settings } = body as PatchBody;
  const issue = splitIssue(rawIssue);
  checkIssue(issue, limits);
  checkFiles(files, limits);
  checkSettings(settings, limits);
  return { request: { issue, files, ...settings }, marks: redact ?? [], stream };
}

/** A plain text's first non-blank line is the title, the rest the body. */
export function splitIssue(issue: PatchBody['issue']): PatchRequest['issue'] {
  if (typeof issue !== 'string') return { title: issue.title, body: issue.body ?? '' };
  const text = issue.replace(/^\s+/, '');
  const end = text.search(/\r?\n/);
  if (end < 0) return { title: text.trimEnd(), body: '' };
  return { title: text.slice(0, end).trimEnd(), body: text.slice(end).trim() };
}

function checkIssue(issue: PatchRequest['issue'], limits: Limits): void {
  const text = `${issue.title}\n${issue.body}`;
  if (text.trim() === '')
    throw new AppError('empty_issue', 'The issue is empty.', { details: [at('/issue', 'is empty')] });
  if (Buffer.byteLength(text) > limits.maxIssueBytes + 1) {
    throw new AppError('issue_too_large', `The issue is larger than ${limits.maxIssueBytes} bytes (MAX_ISSUE_BYTES).`, {
      details: [at('/issue', `has ${Buffer.byteLength(text)} bytes`)],
    });
  }
  const fault = textFault(text);
  if (fault) throw invalid('binary_content', 'The issue is not text', [at('/issue', fault)]);
}

function checkFiles(files: PatchBody['files'], limits: Limits): void {
  if (files.length > limits.maxFiles) {
    throw new AppError('too_many_files', `${files.length} files; at most ${limits.maxFiles} are allowed (MAX_FILES).`, {
      details: [at('/files', `has ${files.length} items`)],
    });
  }
  const large = collect(files, (file) => {
    const bytes = Buffer.byteLength(file.content);
    return bytes > limits.maxFileBytes ? ['/content', `has ${bytes} bytes`] : undefined;
  });
  if (large.length > 0) {
    throw new AppError('file_too_large', `A file is larger than ${limits.maxFileBytes} bytes (MAX_FILE_BYTES).`, {
      details: large,
    });
  }
  const badPaths = collect(files, (file) => {
    const fault = pathFault(file.path);
    return fault === undefined ? undefined : ['/path', fault];
  });
  if (badPaths.length > 0) throw invalid('invalid_path', 'A path cannot be used', badPaths);
  const duplicates = duplicatePaths(files);
  if (duplicates.length > 0) throw invalid('duplicate_path', 'Two paths are in each other’s way', duplicates);
  const binary = collect(files, (file) => {
    const fault = textFault(file.content);
    return fault === undefined ? undefined : ['/content', fault];
  });
  if (binary.length > 0) throw invalid('binary_content', 'A file is not text', binary);
}

function checkSettings(settings: Pick<PatchBody, 'n' | 'max_new_tokens'>, limits: Limits): void {
  const faults: ErrorDetail[] = [];
  if (settings.n !== undefined && settings.n > limits.maxPatches) {
    faults.push(at('/n', `must be at most ${limits.maxPatches} (MAX_PATCHES)`));
  }
  if (settings.max_new_tokens !== undefined && settings.max_new_tokens > limits.maxNewTokens) {
    faults.push(at('/max_new_tokens', `must be at most ${limits.maxNewTokens} (MAX_NEW_TOKENS)`));
  }
  if (faults.length > 0) throw invalid('invalid_request', 'A limit is exceeded', faults);
}

/** Why a path cannot name a file of a repository; undefined if it can. */
export function pathFault(path: string): string | undefined {
  if (path.startsWith('/')) return 'must be relative';
  if (/^[A-Za-z]:/.test(path)) return 'must not begin with a drive';
  if (path.includes('\\')) return 'must use / as separator';
  // eslint-disable-next-line no-control-regex -- these are what is looked for
  if (/[\u0000-\u001f\u007f\u0085\u2028\u2029]/.test(path)) return 'must not hold control characters';
  if (hasLoneSurrogate(path)) return 'must be Unicode text';
  for (const part of path.split('/')) {
    if (part === '') return 'must not have empty parts';
    if (part === '.' || part === '..') return 'must not hold . or .. parts';
    // git refuses these on every platform (core.protectNTFS): a trailing space, dot or stream name is dropped by Windows.
    if (/^(?:\.git|git~1)[ .]*(?::|$)/i.test(part)) return 'must not lie in .git';
  }
  return undefined;
}

/** The same path twice, or a file where another path needs a folder. */
function duplicatePaths(files: PatchBody['files']): ErrorDetail[] {
  const seen = new Set<string>();
  const folders = new Set<string>();
  for (const { path } of files) {
    for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', end + 1)) folders.add(path.slice(0, end));
  }
  return collect(files, ({ path }) => {
    if (seen.has(path)) return ['/path', 'is there twice'];
    seen.add(path);
    return folders.has(path) ? ['/path', 'is the folder of another file'] : undefined;
  });
}

function textFault(text: string): string | undefined {
  if (text.includes('\0')) return 'holds NUL: binary content cannot be patched';
  if (hasLoneSurrogate(text)) return 'holds an unpaired surrogate: it is not Unicode text';
  return undefined;
}

function hasLoneSurrogate(text: string): boolean {
  return /\p{Surrogate}/u.test(text);
}

/** At most 20 faults, each at its file. */
function collect<T>(
  files: readonly T[],
  fault: (file: T) => readonly [field: string, message: string] | undefined,
): ErrorDetail[] {
  const found: ErrorDetail[] = [];
  for (const [index, file] of files.entries()) {
    const result = fault(file);
    if (result) found.push(at(`/files/${index}${result[0]}`, result[1]));
    if (found.length === 20) break;
  }
  return found;
}

function at(path: string, message: string): ErrorDetail {
  return { path, message };
}

function invalid(
  code: 'invalid_request' | 'invalid_path' | 'duplicate_path' | 'binary_content',
  what: string,
  details: readonly ErrorDetail[],
): AppError {
  const first = details[0];
  return new AppError(code, first ? `${what}: ${first.path || 'the body'} ${first.message}.` : `${what}.`, { details });
}
