import { Router } from 'express';
import type { AgentName } from '../../agents/names.js';
import { generationsOf } from '../inference/release.js';
import { copyFromRoot } from '../releases/intake.js';
import { adminParts, readAdminBody, requireAgent, type AdminRouteDeps } from './admin-request.js';

/**
 * The shapes of vLLM's dynamic adapters, for tools that know them. An adapter's name is that of an agent: loading
 * publishes a file as that agent of stable, unloading undoes it. Mount it behind the admin key.
 */
export function loraRoutes(deps: AdminRouteDeps): Router {
  const { config, registry } = deps;
  const router = Router();

  router.post('/v1/load_lora_adapter', async (request, response) => {
    const body = await readAdminBody<{ lora_name: AgentName; lora_path: string }>(request, 'loadLoraAdapter', deps);
    const stage = (file: string): Promise<void> =>
      copyFromRoot(config.agentsDir, body.lora_path, file, config.agentLimits.maxAgentBytes);
    requireAgent(body.lora_name);
    await adminParts(deps).publisher.serveFile(stage, { role: body.lora_name });
    response.type('text/plain').send(`Success: LoRA adapter '${body.lora_name}' added successfully.`);
  });

  router.post('/v1/unload_lora_adapter', async (request, response) => {
    const { lora_name: role } = await readAdminBody<{ lora_name: AgentName }>(request, 'unloadLoraAdapter', deps);
    requireAgent(role);
    await adminParts(deps).publisher.unload(role);
    response.type('text/plain').send(`Success: LoRA adapter '${role}' removed successfully.`);
  });

  router.get('/v1/lora_adapters', async (_request, response) => {
    const { stable } = registry.state ?? {};
    const served = new Set(stable && generationsOf(stable));
    const stored = (await adminParts(deps).store.list()).filter(({ generation }) => served.has(generation));
    const data = stored.map(({ agent, generation, bytes }) => ({
      id: agent,
      object: 'lora_adapter',
      generation,
      bytes,
    }));
    response.json({ object: 'list', data: data.sort((a, b) => (a.id < b.id ? -1 : 1)) });
  });

  return router;
}
