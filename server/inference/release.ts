import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AGENT_NAMES, REQUIRED_AGENTS, fieldOf, type AgentName } from '../../agents/names.js';
import type { AgentFiles, Release } from './messages.js';

/** The release of generations in the order of the declared agents; an agent that is not served has none. */
export function releaseOf(...generations: readonly (string | undefined)[]): Release {
  const hash = createHash('sha256');
  const fields: Record<string, string> = {};
  for (const [index, name] of AGENT_NAMES.entries()) {
    const generation = generations[index];
    if (generation === undefined) continue;
    // Required agents need no name: they are always there, in the same order.
    const isRequired = (REQUIRED_AGENTS as readonly AgentName[]).includes(name);
    hash.update(`${index > 0 ? ' ' : ''}${isRequired ? '' : `${name} `}${generation}`);
    fields[fieldOf(name)] = generation;
  }
  return Object.freeze({ id: hash.digest('hex'), ...fields }) as Release;
}

/** The agents of a release with their generations, in the order of declaration. */
export function agentsOf(release: Release): readonly (readonly [AgentName, string])[] {
  return AGENT_NAMES.flatMap((name) => {
    const generation = release[fieldOf(name)];
    return generation === undefined ? [] : [[name, generation] as const];
  });
}

/** The generations of a release. */
export function generationsOf(release: Release): readonly string[] {
  return agentsOf(release).map(([, generation]) => generation);
}

/** The files of the agents in a folder: those of all required agents, and of others that are there. */
export function agentFilesIn(folder: string): AgentFiles {
  const files = AGENT_NAMES.map((name) => [name, join(folder, `${name}.safetensors`)] as const);
  const isLoaded = ([name, file]: (typeof files)[number]): boolean =>
    (REQUIRED_AGENTS as readonly AgentName[]).includes(name) || existsSync(file);
  return Object.fromEntries(files.filter(isLoaded)) as unknown as AgentFiles;
}

/** The entries of a record of agents. */
export function filesOf(files: AgentFiles): readonly (readonly [AgentName, string])[] {
  return Object.entries(files) as [AgentName, string][];
}
