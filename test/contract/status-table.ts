import { strict as assert } from 'node:assert';
import { copyFile, readFile, rm } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { labeled, serveWebhook, type WebhookServer } from '../github/webhook-server.js';
import { TINY_DIRECTORY } from '../helpers/tiny.js';
import { saveRandomAgent } from '../releases/tiny-agents.js';
import { body, hangingRun } from '../server/helpers.js';
import type { DocumentedStatus } from './response-check.js';
import { send } from './status-requests.js';
import { KEY, type StatusServers } from './status-servers.js';

/** Servers in which an operation meets what leads to a status, each opened when it is first asked for. */
export interface Scenes {
  readonly servers: StatusServers;
  /** The address of a whole server, with admin key, on the tiny model. */
  readonly whole: () => Promise<string>;
  /** The same with a store that has no room, where nothing was ever changed; a third agent lies in its AGENTS_DIR. */
  readonly full: () => Promise<string>;
  readonly loading: () => Promise<string>;
}

/** Makes a server answer an operation with a status. */
export type Producer = (operation: DocumentedStatus, scenes: Scenes) => Promise<Response>;

const isAdmin = ({ tags }: DocumentedStatus): boolean => tags.includes('admin');

const THIRD = 'third.safetensors';

/** Opens what `full` is. */
export async function openFull(servers: StatusServers): Promise<string> {
  const { file } = await saveRandomAgent(servers.folder, 'code-generation', 3);
  await copyFile(file, join(servers.folder, THIRD));
  for (const name of ['issue-analysis.safetensors', 'code-generation.safetensors']) {
    await copyFile(join(TINY_DIRECTORY, name), join(servers.folder, name));
  }
  return (await servers.tiny({ MAX_AGENTS: '2', AGENTS_DIR: servers.folder })).url;
}

/** Sends it where all is well: to a whole server, or to one whose model is a test's. */
const sound =
  (changes: Parameters<typeof send>[2] = {}): Producer =>
  async (operation, { servers, whole }) =>
    send(isAdmin(operation) ? await whole() : (await servers.fake({ MAX_BODY_BYTES: '4096' })).url, operation, changes);

const toFull =
  (changes: Parameters<typeof send>[2] = {}): Producer =>
  async (operation, { full }) =>
    send(await full(), operation, changes);

/** Sends it while an upload that does not end is the change at work. */
const whileChanging: Producer = async (operation, { whole }) => {
  const url = await whole();
  const upload = httpRequest(`${url}/v1/agents`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream', authorization: `Bearer ${KEY}` },
  });
  upload.on('error', () => undefined);
  upload.write('x');
  const isBusy = async (): Promise<boolean> => {
    const promote = { ...operation, operationId: 'promoteRelease', method: 'POST', path: '/v1/releases/promote' };
    const response = await send(url, promote);
    await response.arrayBuffer();
    return response.status === 429;
  };
  while (!(await isBusy()));
  const response = await send(url, operation);
  upload.destroy();
  while (await isBusy());
  return response;
};

const whileAllWorkersAreTaken: Producer = async (operation, { servers }) => {
  const server = await servers.fake({ QUEUE_SIZE: '0' });
  const hanging = hangingRun();
  server.host.behaviour = hanging.behaviour;
  const running = server.post(body);
  await hanging.entered;
  const response = await send(server.url, operation);
  hanging.finish();
  await (await running).arrayBuffer();
  return response;
};

/** Asks again for what was sent. Without a Cache-Control of its own, fetch asks for what is certainly new. */
const unchanged =
  (changes: Parameters<typeof send>[2] = {}): Producer =>
  async (operation, scenes) => {
    const first = await sound(changes)(operation, scenes);
    const headers = { 'if-none-match': first.headers.get('etag') ?? '', 'cache-control': 'max-age=0' };
    return sound({ ...changes, headers })(operation, scenes);
  };

const script = { parameters: { file: 'main.js' } };

/** The statuses that come about in the same way wherever they are documented. */
export const everywhere: Readonly<Record<string, Producer>> = {
  200: sound(),
  304: unchanged(),
  400: sound({ body: '{' }),
  401: async (operation, scenes) => {
    if (isAdmin(operation)) return send(await scenes.whole(), operation, { key: '' });
    return send((await scenes.servers.fake({ API_KEY: KEY })).url, operation, { key: '' });
  },
  403: async (operation, { servers }) => send((await servers.fake({ FEEDBACK_DIR: '' })).url, operation),
  404: sound(),
  405: sound({ method: 'PUT' }),
  409: toFull(),
  413: sound({ body: JSON.stringify('x'.repeat(5000)) }),
  415: sound({ type: 'text/plain' }),
  422: sound({ body: {} }),
  429: (operation, scenes) => (isAdmin(operation) ? whileChanging : whileAllWorkersAreTaken)(operation, scenes),
  500: async (operation, { servers }) => {
    const server = await servers.fake();
    server.host.behaviour = () => Promise.reject(new Error('Something odd.'));
    return send(server.url, operation);
  },
  503: async (operation, { loading }) => send(await loading(), operation),
  504: async (operation, { servers }) => {
    const server = await servers.fake({ REQUEST_TIMEOUT_MS: '5' });
    server.host.behaviour = hangingRun().behaviour;
    return send(server.url, operation);
  },
};

/** Stores a random agent and makes it the canary; the canary's id. */
async function canary(url: string, { servers }: Scenes, seed: number): Promise<string> {
  const { file, agent } = await saveRandomAgent(servers.folder, 'code-generation', seed);
  const upload = await fetch(`${url}/v1/agents`, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream', authorization: `Bearer ${KEY}` },
    body: await readFile(file),
  });
  assert.equal(upload.status, 200, await upload.text());
  const published = await fetch(`${url}/v1/releases`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${KEY}` },
    body: JSON.stringify({ label: 'canary', code_generation: agent.generation, expected_release: null }),
  });
  return ((await published.json()) as { canary: { release: { id: string } } }).canary.release.id;
}

async function stable(url: string): Promise<{ id: string; code_generation: string }> {
  const answer = await fetch(`${url}/v1/releases`, { headers: { authorization: `Bearer ${KEY}` } });
  return ((await answer.json()) as { stable: { id: string; code_generation: string } }).stable;
}

/** Judges an answer that was kept; `between` happens before. */
const judged =
  (between: (folder: string) => Promise<void>): Producer =>
  async (operation, { servers }) => {
    const server = await servers.fake();
    const { id } = (await (await server.post(body)).json()) as { id: string };
    await between(server.config.feedback.folder);
    return send(server.url, operation, { parameters: { id } });
  };

/** Delivers an event to a server whose webhook is on. */
const delivered =
  (
    payload: unknown,
    headers: Readonly<Record<string, string>> = {},
    prepare: (server: WebhookServer) => Promise<void> | void = () => undefined,
  ): Producer =>
  async () => {
    const server = await serveWebhook({ MAX_BODY_BYTES: '4096' });
    await prepare(server);
    const response = await server.deliver('issues', payload, headers);
    // Read before the server goes.
    const copy = new Response((await response.text()) || null, { status: response.status, headers: response.headers });
    await server.close();
    return copy;
  };

const unknownModel = sound({ body: { model: 'gpt-4o', prompt: 'x', messages: [{ role: 'user', content: 'x' }] } });

/** The statuses that need more, by operation. */
export const particular: Readonly<Record<string, Readonly<Record<string, Producer>>>> = {
  giveFeedback: {
    200: judged(() => Promise.resolve()),
    503: judged((folder) => rm(folder, { recursive: true })),
  },
  receiveGitHubEvent: {
    202: delivered(labeled()),
    204: delivered(labeled({ state: 'closed' })),
    400: delivered('{'),
    401: delivered(labeled(), { 'x-hub-signature-256': 'sha256=0' }),
    413: delivered(labeled({ body: 'x'.repeat(5000) })),
    415: delivered(labeled(), { 'content-type': 'text/plain' }),
    422: delivered({}),
    429: delivered(labeled(), {}, async (server) => {
      server.fake.hold(/\/git\/ref\//);
      for (let number = 100; number < 202; number += 1)
        await (await server.deliver('issues', labeled({ number }))).text();
    }),
    503: delivered(labeled(), {}, ({ github }) => void github?.close()),
  },
  getPageFile: { 200: sound(script), 304: unchanged(script) },
  getModel: { 404: sound({ parameters: { model: 'gpt-4o' } }) },
  createChatCompletion: { 404: unknownModel },
  createCompletion: { 404: unknownModel },
  addAgent: { 404: toFull({ body: { path: 'missing' } }), 409: toFull({ body: { path: THIRD } }) },
  loadLoraAdapter: {
    404: toFull({ body: { lora_name: 'code-generation', lora_path: 'missing' } }),
    409: toFull({ body: { lora_name: 'code-generation', lora_path: THIRD } }),
  },
  publishRelease: {
    200: async (operation, { whole }) => {
      const { id, code_generation } = await stable(await whole());
      return send(await whole(), operation, { body: { code_generation, expected_release: id } });
    },
    404: async (operation, { whole }) => {
      const { id } = await stable(await whole());
      const generation = '0'.repeat(64);
      return send(await whole(), operation, { body: { code_generation: generation, expected_release: id } });
    },
  },
  promoteRelease: {
    200: async (operation, scenes) => {
      const url = await scenes.whole();
      return send(url, operation, { body: { expected_release: await canary(url, scenes, 1) } });
    },
  },
  rollbackRelease: {
    200: async (operation, scenes) => {
      const url = await scenes.whole();
      return send(url, operation, { body: { label: 'canary', expected_release: await canary(url, scenes, 2) } });
    },
  },
  unloadLoraAdapter: {
    200: async (operation, scenes) => {
      const url = await scenes.whole();
      // The promotion may have left another code agent than the one that lies in AGENTS_DIR, or this one.
      const load = { ...operation, operationId: 'loadLoraAdapter', path: '/v1/load_lora_adapter' };
      const { file } = await saveRandomAgent(scenes.servers.folder, 'code-generation', 4);
      await (await send(url, load, { body: { lora_name: 'code-generation', lora_path: file } })).text();
      return send(url, operation);
    },
  },
};
