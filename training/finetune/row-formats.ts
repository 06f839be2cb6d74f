import { Ajv } from 'ajv';
import { ANALYSIS_FIELDS } from './derived-analysis.js';
import type { EditRecord } from './edit-row.js';
import { editOfMessages, type Message } from './messages-row.js';
import type { PromptRecord } from './prompt-row.js';
import { quotedFile } from './quoted-file.js';

/** A row whose tokens are made already, as training/pretrain/heldout.py writes them. */
export interface TokenRecord {
  readonly source_ids: readonly number[];
  readonly analysis_ids: readonly number[];
  readonly patch_ids: readonly number[];
}

/** An edit, and what it is a part of, if that is known. */
export interface GroupedEdit {
  readonly edit: EditRecord;
  readonly group?: string | undefined;
}

type Files = EditRecord['files'];

interface StoredEdit extends Omit<EditRecord, 'issue'> {
  readonly issue: string | { readonly title: string; readonly body?: string };
  readonly commit?: string;
}

interface SweBenchRecord {
  readonly instance_id?: string;
  readonly problem_statement: string;
  readonly patch: string;
  readonly files?: Files;
}

const ids = { type: 'array', items: { type: 'integer', minimum: 0 } };
const text = { type: 'string' };
const object = (required: readonly string[], properties: object): object => ({ type: 'object', properties, required });
const files = { type: 'array', items: object(['path', 'content'], { path: text, content: text }) };
const analysis = object(ANALYSIS_FIELDS, Object.fromEntries(ANALYSIS_FIELDS.map((name) => [name, text])));
const issue = { oneOf: [text, object(['title'], { title: text, body: text })] };
const content = { oneOf: [text, { type: 'null' }, { type: 'array', items: object(['type'], { type: text, text }) }] };
const messages = { type: 'array', items: object(['role'], { role: text, content }) };

const ajv = new Ajv({ allowUnionTypes: true });

export const isTokenRecord = ajv.compile<TokenRecord>(
  object(['source_ids', 'analysis_ids', 'patch_ids'], {
    source_ids: { ...ids, minItems: 1 },
    analysis_ids: ids,
    patch_ids: { ...ids, minItems: 1 },
  }),
);
const isStoredEdit = ajv.compile<StoredEdit>(
  object(['issue', 'files', 'patch'], { issue, files, patch: text, analysis, commit: text }),
);
const isSweBench = ajv.compile<SweBenchRecord>(
  object(['problem_statement', 'patch'], { problem_statement: text, patch: text, files, instance_id: text }),
);
const isMessages = ajv.compile<{ readonly messages: readonly Message[] }>(object(['messages'], { messages }));

/** The beginning of a function with its body: prompt, implementation and, if somebody wrote one, the specification. */
export const isPromptRecord = ajv.compile<PromptRecord>(
  object(['prompt', 'implementation'], { prompt: text, implementation: text, specification: text, group: text }),
);

/**
 * The edit that a line of a rows file tells, in any of the formats; undefined if it is none of them. Fields that no
 * format knows are ignored. Throws `RowDropped`.
 */
export function editOfValue(value: unknown): GroupedEdit | undefined {
  if (isStoredEdit(value)) {
    const { files, patch, analysis, commit } = value;
    return { edit: { issue: issueOf(value.issue), files, patch, analysis }, group: commit };
  }
  if (isSweBench(value)) {
    const { problem_statement, patch, instance_id } = value;
    const edit = value.files ? { files: value.files, patch } : quotedFile(patch);
    return { edit: { issue: issueOfText(problem_statement), ...edit }, group: instance_id };
  }
  if (isMessages(value)) {
    const { text, ...edit } = editOfMessages(value.messages);
    return { edit: { issue: issueOfText(text), ...edit } };
  }
  return undefined;
}

/** Whether a line tells whole files: SWE-bench rows may not, and those of tokens or of a function have none. */
export function hasWholeFiles(value: unknown): boolean {
  if (isStoredEdit(value) || isMessages(value)) return true;
  return isSweBench(value) && value.files !== undefined;
}

function issueOf(issue: StoredEdit['issue']): EditRecord['issue'] {
  return typeof issue === 'string' ? issueOfText(issue) : { title: issue.title, body: issue.body ?? '' };
}

/** An issue in one text begins with its title. */
function issueOfText(text: string): EditRecord['issue'] {
  const end = text.indexOf('\n');
  return end < 0 ? { title: text, body: '' } : { title: text.slice(0, end), body: text.slice(end + 1) };
}
