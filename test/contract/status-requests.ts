import type { DocumentedStatus } from './response-check.js';
import { body } from '../server/helpers.js';
import { KEY } from './status-servers.js';

const text = 'Broken\n\n```python a.py\nx = 1\n```\n';

/** A body of each operation that the server understands. */
const bodies: Readonly<Record<string, unknown>> = {
  createPatches: body,
  giveFeedback: { verdict: 'accepted' },
  createChatCompletion: { model: 'pipeline', messages: [{ role: 'user', content: text }] },
  createCompletion: { model: 'pipeline', prompt: text },
  addAgent: { path: 'code-generation.safetensors' },
  publishRelease: { code_generation: '0'.repeat(64), expected_release: 'none' },
  promoteRelease: { expected_release: 'none' },
  rollbackRelease: { expected_release: 'none' },
  loadLoraAdapter: { lora_name: 'code-generation', lora_path: 'code-generation.safetensors' },
  unloadLoraAdapter: { lora_name: 'code-generation' },
};

const parameters: Readonly<Record<string, string>> = { id: '01234567-89ab-4cde-8f01-23456789abcd', model: 'pipeline' };

/** What a request may differ in. */
export interface Changes {
  readonly method?: string;
  /** In the place of the sound body; a text is sent as it is. */
  readonly body?: unknown;
  readonly type?: string;
  /** Empty: none is sent. */
  readonly key?: string;
  readonly parameters?: Readonly<Record<string, string>>;
  /** Sent besides. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends a sound request to an operation, but for the changes. */
export function send(url: string, operation: DocumentedStatus, changes: Changes = {}): Promise<Response> {
  const { method = operation.method, type = 'application/json', key = KEY } = changes;
  const path = operation.path.replaceAll(
    /\{(\w+)\}/g,
    (_, name: string) => changes.parameters?.[name] ?? parameters[name] ?? name,
  );
  const content = changes.body ?? bodies[operation.operationId];
  const hasBody = method === 'POST' && content !== undefined;
  return fetch(`${url}${path}`, {
    method,
    headers: {
      ...(hasBody && { 'content-type': type }),
      ...(key !== '' && { authorization: `Bearer ${key}` }),
      ...changes.headers,
    },
    ...(hasBody && { body: typeof content === 'string' ? content : JSON.stringify(content) }),
  });
}
