import { Gauge, type Registry } from 'prom-client';
import { adaptersOf } from '../openai/models.js';

/** The agents as gateways see them that route by adapter. */
export class AdapterMetrics {
  /** Under vLLM's name, by which gateways look for it. */
  readonly loraRequests;
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

  /** Both agents are in memory as long as the server answers, so a gateway need not prefer one server to another. */
  #show(): void {
    const loaded = adaptersOf('pipeline');
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
