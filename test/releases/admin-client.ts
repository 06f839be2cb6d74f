import { strict as assert } from 'node:assert';
import { readFile } from 'node:fs/promises';
import type { AgentCard, Release } from '../../server/inference/messages.js';
import type { HistoryEntry, ReleaseState } from '../../server/releases/state.js';
import { contract } from '../server/helpers.js';

export const KEY = 'key-of-the-tests';

export type Releases = ReleaseState & {
  readonly leased: readonly { readonly release: Release; readonly leases: number }[];
  readonly history: readonly HistoryEntry[];
};

/** Speaks to the admin API of a running server and checks the answers against openapi.yaml. */
export class AdminClient {
  readonly #url: () => string;

  constructor(url: () => string) {
    this.#url = url;
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`${this.#url()}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${KEY}`, ...(init.headers as Record<string, string> | undefined) },
    });
  }

  send(path: string, body: unknown): Promise<Response> {
    return this.fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  }

  upload(bytes: Uint8Array): Promise<Response> {
    return this.fetch('/v1/agents', {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: bytes as Uint8Array<ArrayBuffer>,
    });
  }

  /** Uploads a file that must be accepted. */
  async store(file: string): Promise<AgentCard> {
    return accepted<AgentCard>(await this.upload(await readFile(file)), 'AgentCard');
  }

  async releases(): Promise<Releases> {
    return accepted<Releases>(await this.fetch('/v1/releases'), 'Releases');
  }

  /** A change that must be accepted. */
  async change(path: string, body: unknown): Promise<Releases> {
    return accepted<Releases>(await this.send(path, body), 'Releases');
  }
}

async function accepted<T>(response: Response, schema: string): Promise<T> {
  const answer = (await response.json()) as T;
  assert.equal(response.status, 200, JSON.stringify(answer));
  assert.deepEqual(contract.schema(schema)(answer), []);
  return answer;
}
