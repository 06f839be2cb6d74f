import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder, writeFileAtomic } from '../../platform/atomic-file.js';
import { AppError } from '../errors.js';
import type { AgentCard } from '../inference/messages.js';

/** An agent on disk. */
export interface StoredAgent extends AgentCard {
  readonly bytes: number;
}

/**
 * Agents' files by generation: `agents/<generation>.safetensors` with a card beside it, new files in `staging/` until they are
 * checked. A file gets its name only when it is whole and flushed, so a crash leaves at worst a file in staging, removed at start.
 */
export class AgentStore {
  readonly #agents: string;
  readonly #staging: string;
  readonly #maxAgents: number;

  private constructor(folder: string, maxAgents: number) {
    this.#agents = join(folder, 'agents');
    this.#staging = join(folder, 'staging');
    this.#maxAgents = maxAgents;
  }

  /** Makes the folders that are missing and clears staging. */
  static async open(folder: string, maxAgents: number): Promise<AgentStore> {
    const store = new AgentStore(folder, maxAgents);
    await rm(store.#staging, { recursive: true, force: true });
    await mkdir(store.#staging, { recursive: true, mode: 0o700 });
    await mkdir(store.#agents, { recursive: true, mode: 0o700 });
    return store;
  }

  /** A new name in staging. */
  stagingFile(): string {
    return join(this.#staging, randomUUID());
  }

  fileOf(generation: string): string {
    return join(this.#agents, `${generation}.safetensors`);
  }

  async has(generation: string): Promise<boolean> {
    return stat(this.fileOf(generation)).then(
      () => true,
      () => false,
    );
  }

  /**
   * Gives a checked file its name. The same generation twice is stored once. When MAX_AGENTS are stored, the one whose use is
   * longest ago and that is not `inUse` makes room; throws AppError `agent_limit` when there is none.
   */
  async adopt(staged: string, card: AgentCard, inUse: ReadonlySet<string>): Promise<void> {
    if (await this.has(card.generation)) {
      await rm(staged);
      await this.touch(card.generation);
      return;
    }
    await this.#makeRoom(inUse);
    await writeFileAtomic(this.#cardOf(card.generation), JSON.stringify(card), 0o600);
    await rename(staged, this.fileOf(card.generation));
    await syncFolder(this.#agents);
  }

  /** Removes a staged file that is not wanted, if it is there. */
  async discard(staged: string): Promise<void> {
    await rm(staged, { force: true });
  }

  /** Notes that a generation was used now. */
  async touch(generation: string): Promise<void> {
    const now = new Date();
    await utimes(this.fileOf(generation), now, now);
  }

  /** All stored agents, the one used last first. */
  async list(): Promise<StoredAgent[]> {
    const names = (await readdir(this.#agents)).filter((name) => name.endsWith('.safetensors'));
    const found = await Promise.all(
      names.map(async (name) => {
        const generation = name.slice(0, -'.safetensors'.length);
        const [{ size, mtimeMs }, card] = await Promise.all([
          stat(this.fileOf(generation)),
          readFile(this.#cardOf(generation), 'utf8'),
        ]);
        return { used: mtimeMs, agent: { ...(JSON.parse(card) as AgentCard), bytes: size } };
      }),
    );
    return found.sort((a, b) => b.used - a.used).map(({ agent }) => agent);
  }

  async #makeRoom(inUse: ReadonlySet<string>): Promise<void> {
    const stored = await this.list();
    if (stored.length < this.#maxAgents) return;
    const oldest = stored.reverse().find(({ generation }) => !inUse.has(generation));
    if (!oldest) throw new AppError('agent_limit', `${this.#maxAgents} agents are stored (MAX_AGENTS), all in use.`);
    await rm(this.fileOf(oldest.generation));
    await rm(this.#cardOf(oldest.generation), { force: true });
  }

  #cardOf(generation: string): string {
    return join(this.#agents, `${generation}.json`);
  }
}
