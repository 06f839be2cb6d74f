import { Gauge, type Registry } from 'prom-client';
import type { Release } from '../inference/messages.js';
import { adaptersOf, servedAgents } from '../openai/models.js';

/** The agents as gateways see them that route by adapter. */
export class AdapterMetrics {
  /** Under vLLM's name, by which gateways look for it. */
  readonly loraRequests;
  #loaded: readonly string[] = adaptersOf('pipeline');
  /** How many queued requests wait for each adapter. */
  readonly #waitingFor = new Map<string, number>();

  constructor(registry: Registry) {
    this.loraRequests = new Gauge({
      name: 'vllm:lora_requests_info',
      help: 'Adapters that are loaded and that queued requests wait for; the value is the time of the last change.',
      labelNames: ['max_lora', 'running_lora_adapters', 'waiting_lora_adapters'] as const,
      registers: [registry],
    });
    this.#show();
  }

  /** Counts a queued request under the adapters it needs, until the function returned is called. */
  waitFor(adapters: readonly string[]): () => void {
    const add = (change: number): void => {
      for (const name of adapters) this.#waitingFor.set(name, (this.#waitingFor.get(name) ?? 0) + change);
      this.#show();
    };
    add(1);
    return () => {
      add(-1);
    };
  }

  /** The release whose agents are loaded from now on. */
  serve(release: Release): void {
    this.#loaded = servedAgents(release);
    this.#show();
  }

  /** They are in memory as long as the server answers, so a gateway need not prefer one server to another. */
  #show(): void {
    const loaded = this.#loaded;
    this.loraRequests.reset();
    this.loraRequests.set(
      {
        max_lora: String(loaded.length),
        running_lora_adapters: loaded.join(','),
        waiting_lora_adapters: loaded.filter((name) => (this.#waitingFor.get(name) ?? 0) > 0).join(','),
      },
      Date.now() / 1000,
    );
  }
}
