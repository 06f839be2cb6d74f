import { existsSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config.js';
import type { AgentFiles } from '../inference/messages.js';
import { agentsOf, filesOf, generationsOf } from '../inference/release.js';
import { isConfigured } from '../keys.js';
import { AgentStore } from './agent-store.js';
import { Journal, StoreError } from './journal.js';
import { Publisher } from './publisher.js';

/** The store of a server, and which files its workers begin with. */
export interface OpenStore {
  readonly store: AgentStore;
  readonly journal: Journal;
  readonly files: AgentFiles;
  /** The files lie in staging: this is a new store. */
  readonly isNew: boolean;
}

/**
 * Opens the store when there is an admin key, a watched folder or a store from before; undefined otherwise. Throws StoreError when it is damaged: to
 * serve AGENTS_DIR instead would answer with agents that were replaced long ago.
 */
export async function openStore(config: Config, first: AgentFiles): Promise<OpenStore | undefined> {
  const journalFile = join(config.storeDir, 'journal');
  const isChanged = isConfigured(config.adminKeys) || config.agentsWatchDir !== '';
  if (!isChanged && !existsSync(journalFile)) return undefined;
  const store = await AgentStore.open(config.storeDir, config.agentLimits.maxAgents);
  const journal = await Journal.open(journalFile);
  const last = Publisher.lastState(journal);
  if (!last) {
    // Copies, so that what is stored is what was loaded, even if the folder changes meanwhile.
    const staged = filesOf(first).map(([agent, file]) => ({ agent, file, copy: store.stagingFile() }));
    try {
      for (const { file, copy } of staged) await copyFile(file, copy);
    } catch (cause) {
      await journal.close();
      throw new StoreError(`Cannot copy the first agents: ${(cause as Error).message}`, { cause });
    }
    const files = Object.fromEntries(staged.map(({ agent, copy }) => [agent, copy])) as unknown as AgentFiles;
    return { store, journal, files, isNew: true };
  }
  for (const generation of generationsOf(last.stable)) {
    if (await store.has(generation)) continue;
    await journal.close();
    throw new StoreError(`${store.fileOf(generation)} is missing, and the journal says that it is served.`);
  }
  const stored = agentsOf(last.stable).map(([agent, generation]) => [agent, store.fileOf(generation)]);
  const files = Object.fromEntries(stored) as unknown as AgentFiles;
  return { store, journal, files, isNew: false };
}
