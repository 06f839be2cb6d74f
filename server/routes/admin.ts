import { Router, type Response } from 'express';
import type { AgentField } from '../../agents/names.js';
import { AppError } from '../errors.js';
import { requireAdminKey } from '../keys.js';
import { copyFromRoot, receive } from '../releases/intake.js';
import type { PublisherEvent } from '../releases/publisher.js';
import type { Label, ReleaseState } from '../releases/state.js';
import { adminParts, readAdminBody, requireAgentFields, type AdminRouteDeps } from './admin-request.js';
import { loraRoutes } from './lora.js';

interface PublishBody extends Readonly<Partial<Record<AgentField, string>>> {
  readonly label?: Label;
  readonly weight?: number;
  readonly expected_release: string | null;
}

/** The paths that need the admin key, with all below them. */
const ADMIN_PATHS = [
  '/v1/agents',
  '/v1/releases',
  '/v1/lora_adapters',
  '/v1/load_lora_adapter',
  '/v1/unload_lora_adapter',
];

/** `/v1/agents`, `/v1/releases` and vLLM's shapes: for whoever decides what is served. All of it needs the admin key. */
export function adminRoutes(deps: AdminRouteDeps): Router {
  const { config, registry, logger } = deps;
  const router = Router();
  router.use(ADMIN_PATHS, requireAdminKey(config.adminKeys));
  router.use(loraRoutes(deps));

  const parts = (): ReturnType<typeof adminParts> => adminParts(deps);
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
    const path = isStream ? undefined : (await readAdminBody<{ path: string }>(request, 'addAgent', deps)).path;
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
    const body = await readAdminBody<PublishBody>(request, 'publishRelease', deps);
    const { label = 'stable', weight = 0.1, expected_release: expected, ...generations } = body;
    requireAgentFields(Object.keys(generations));
    const state = await parts().publisher.publish({ ...generations, label, weight, expected });
    answer(response, state);
  });

  router.post('/v1/releases/promote', async (request, response) => {
    const { expected_release: expected } = await readAdminBody<{ expected_release: string }>(
      request,
      'promoteRelease',
      deps,
    );
    answer(response, await parts().publisher.promote(expected));
  });

  router.post('/v1/releases/rollback', async (request, response) => {
    const body = await readAdminBody<{ label?: Label; expected_release: string }>(request, 'rollbackRelease', deps);
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
  const data = 'entry' in event ? event.entry : 'card' in event ? event.card : event.refusal;
  return `${id}event: ${event.type}\ndata: ${JSON.stringify(data)}\n\n`;
}

function idOf(response: Response): string {
  return (response.locals as { id: string }).id;
}
