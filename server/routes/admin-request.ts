import type { IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import { AGENT_NAMES, fieldOf } from '../../agents/names.js';
import type { Config } from '../config.js';
import { AppError } from '../errors.js';
import { readJsonBody } from '../json-body.js';
import type { Contract } from '../openapi.js';
import type { AgentStore } from '../releases/agent-store.js';
import type { Publisher } from '../releases/publisher.js';
import type { ReleaseRegistry } from '../releases/registry.js';

/** What the admin API needs beside the app's other parts; `admin` is undefined when the server was started without a store. */
export interface AdminRouteDeps {
  readonly config: Config;
  readonly contract: Contract;
  readonly logger: Logger;
  readonly registry: ReleaseRegistry;
  readonly admin: { readonly publisher: Publisher; readonly store: AgentStore } | undefined;
}

/** Publisher and store. Throws AppError `admin_off` without them. */
export function adminParts({ admin }: AdminRouteDeps): NonNullable<AdminRouteDeps['admin']> {
  if (!admin) throw new AppError('admin_off', 'The server was started without a key.');
  return admin;
}

/** The JSON body of an operation of openapi.yaml. Throws AppError `invalid_request` and what `readJsonBody` throws. */
export async function readAdminBody<T>(request: IncomingMessage, operation: string, deps: AdminRouteDeps): Promise<T> {
  const body = await readJsonBody(request, deps.config.limits.maxBodyBytes);
  const details = deps.contract.requestBody(operation)(body);
  if (details.length > 0) throw new AppError('invalid_request', 'The request does not fit the contract.', { details });
  return body as T;
}

/** Throws AppError `invalid_request` unless there is an agent of this name. */
export function requireAgent(name: string): void {
  if (!AGENT_NAMES.some((known) => known === name)) throw unknownAgent('/lora_name', AGENT_NAMES);
}

/** Throws AppError `invalid_request` when a field is none of a release, or when there is none at all. */
export function requireAgentFields(fields: readonly string[]): void {
  const known = AGENT_NAMES.map(fieldOf);
  const unknown = fields.length === 0 ? '' : fields.find((field) => !known.some((agent) => agent === field));
  if (unknown !== undefined) throw unknownAgent(`/${unknown}`, known);
}

function unknownAgent(path: string, names: readonly string[]): AppError {
  return new AppError('invalid_request', 'The request names no agent or an unknown one.', {
    details: [{ path, message: `must be one of ${names.join(', ')}` }],
  });
}
