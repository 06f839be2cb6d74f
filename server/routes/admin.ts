import type { IncomingMessage } from 'node:http';
import { Router, type Response } from 'express';
import type { Logger } from 'pino';
import { requireAdminKey } from '../admin-key.js';
import type { Config } from '../config.js';
import { AppError } from '../errors.js';
import { readJsonBody } from '../json-body.js';
import type { Contract } from '../openapi.js';
import type { AgentStore } from '../releases/agent-store.js';
import { copyFromRoot, receive } from '../releases/intake.js';
import type { Publisher, PublisherEvent } from '../releases/publisher.js';
import type { ReleaseRegistry } from '../releases/registry.js';
import type { Label, ReleaseState } from '../releases/state.js';

/** What the admin API needs beside the app's other parts; `admin` is undefined when the server was started without a store. */
export interface AdminRouteDeps {
  readonly config: Config;
  readonly contract: Contract;
  readonly logger: Logger;
  readonly registry: ReleaseRegistry;
  readonly admin: { readonly publisher: Publisher; readonly store: AgentStore } | undefined;
}

interface PublishBody {
  readonly issue_analysis?: string;
  readonly code_generation?: string;
  readonly label?: Label;
  readonly weight?: number;
  readonly expected_release: string | null;
}

/** `/v1/agents` and `/v1/releases`: for whoever decides what is served. All of it needs the admin key. */
export function adminRoutes(deps: AdminRouteDeps): Router {
  const { config, contract, registry, logger } = deps;
  const router = Router();
  router.use(['/v1/agents', '/v1/releases'], requireAdminKey(config));

  const parts = (): NonNullable<AdminRouteDeps['admin']> => {
    if (!deps.admin) throw new AppError('admin_off', 'The server was started without a key.');
    return deps.admin;
  };
  const read = async <T>(request: IncomingMessage, operation: string): Promise<T> => {
    const body = await readJsonBody(request, config.limits.maxBodyBytes);
    const details = contract.requestBody(operation)(body);
    if (details.length > 0)
      throw new AppError('invalid_request', 'The request does not fit the contract.', { details });
    return body as T;
  };
  const answer = (response: Response, state: ReleaseState | undefined): void => {
    if (!state) throw new AppError('not_ready', 'The model is still loading.', { retryAfterSeconds: 1 });
    response.json({ ...state, leased: registry.leased, history: parts().publisher.history.slice(-20) });
  };

  router.get('/v1/agents', async (_request, response) => {
    const stored = await parts().store.list();
    const agents = stored.map((agent) => ({ ...agent, resident: registry.resident.has(agent.generation) }));
    response.json({ agents, resident_agents: registry.resident.size, limits: config.agentLimits });
  });

  router.post('/v1/agents', async (request, response) => {
    const { maxAgentBytes } = config.agentLimits;
    const isStream = request.get('content-type') === 'application/octet-stream';
    const path = isStream ? undefined : (await read<{ path: string }>(request, 'addAgent')).path;
    const card = await parts().publisher.addAgent((file) =>
      path === undefined
        ? receive(request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>, file, maxAgentBytes)
        : copyFromRoot(config.agentsDir, path, file, maxAgentBytes),
    );
    logger.info({ id: idOf(response), agent: card.agent, generation: card.generation }, 'agent stored');
    response.json(card);
  });

  router.get('/v1/releases', (_request, response) => {
    answer(response, registry.state);
  });

  router.post('/v1/releases', async (request, response) => {
    const body = await read<PublishBody>(request, 'publishRelease');
    const state = await parts().publisher.publish({
      label: body.label ?? 'stable',
      weight: body.weight ?? 0.1,
      expected: body.expected_release,
      ...(body.issue_analysis !== undefined && { issueAnalysis: body.issue_analysis }),
      ...(body.code_generation !== undefined && { codeGeneration: body.code_generation }),
    });
    answer(response, state);
  });

  router.post('/v1/releases/promote', async (request, response) => {
    const { expected_release: expected } = await read<{ expected_release: string }>(request, 'promoteRelease');
    answer(response, await parts().publisher.promote(expected));
  });

  router.post('/v1/releases/rollback', async (request, response) => {
    const body = await read<{ label?: Label; expected_release: string }>(request, 'rollbackRelease');
    answer(response, await parts().publisher.rollback(body.label ?? 'stable', body.expected_release));
  });

  router.get('/v1/agents/events', (_request, response) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    response.flushHeaders();
    const stop = parts().publisher.listen((event) => response.write(serverSentEvent(event)));
    response.once('close', stop);
  });

  return router;
}

function serverSentEvent(event: PublisherEvent): string {
  const id = event.type === 'release' ? `id: ${event.entry.seq}\n` : '';
  const data = event.type === 'release' ? event.entry : event.card;
  return `${id}event: ${event.type}\ndata: ${JSON.stringify(data)}\n\n`;
}

function idOf(response: Response): string {
  return (response.locals as { id: string }).id;
}
