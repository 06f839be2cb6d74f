import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fieldOf, type AgentField, type AgentName } from '../../agents/names.js';
import { inspectAgent } from '../../adapters/inspect-agent.js';
import { withLineage } from '../../adapters/lineage.js';
import { call, publishAgent } from '../../cli/admin-api.js';
import { CommandError } from '../../cli/exit-codes.js';
import type { Report } from '../finetune/report.js';

/** A release as the admin API shows it: generations by agent. */
type Release = { readonly id: string } & Readonly<Partial<Record<AgentField, string>>>;

/** What was published. */
export interface Published {
  readonly generation: string;
  /** What spoke against it and was overruled; it is in the agent's lineage. */
  readonly forced: readonly string[];
}

/** The gate says no; `reasons` say why. */
export class NotPublishable extends Error {
  override readonly name = 'NotPublishable';

  constructor(readonly reasons: readonly string[]) {
    super(`Not publishable: ${reasons.join('; ')}.`);
  }
}

/** Reads the report that `npm run train` left in a folder. Throws CommandError. */
export async function readReport(folder: string): Promise<Report> {
  const file = path.join(folder, 'report.json');
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Report;
  } catch (cause) {
    throw new CommandError('usage', `There is no report ${file}.`, { cause });
  }
}

/**
 * Hands the candidate of a training folder to a running server, for a share of the requests (`canary`) or all. It must have
 * passed its gate against the very agent that is live; with `force` it need not, and its lineage says what was overruled.
 * Throws NotPublishable, CommandError (with the server's code), AgentError.
 */
export async function publishCandidate(options: {
  readonly folder: string;
  readonly server: string;
  readonly canary?: number | undefined;
  readonly force: boolean;
  readonly signal: AbortSignal;
}): Promise<Published> {
  const { folder, server, canary, force, signal } = options;
  const report = await readReport(folder);
  const file = path.join(folder, path.basename(report.file));
  const reasons = [...report.gate.reasons, ...(await faultsNow(report, file, server, signal))];
  if (reasons.length === 0) {
    await publishAgent({ server, file, canary, signal });
    return { generation: report.generation, forced: [] };
  }
  if (!force) throw new NotPublishable(reasons);
  const forced = path.join(folder, `${report.agent}-forced.safetensors`);
  const generation = await withLineage(file, forced, { forced: reasons });
  await publishAgent({ server, file: forced, canary, signal });
  return { generation, forced: reasons };
}

/** What may have changed since the gate judged: the candidate's file, or the agent it was measured against. */
async function faultsNow(report: Report, file: string, server: string, signal: AbortSignal): Promise<string[]> {
  const { generation } = await inspectAgent(file);
  const changed = generation === report.generation ? [] : ['its file has changed since the report'];
  const otherParent = await faultOfParent(report.agent, [report.parent, report.generation], server, signal);
  return otherParent === undefined ? changed : [...changed, otherParent];
}

/**
 * Why a candidate that was compared with the first of these agents cannot be said to be better than what a server serves;
 * undefined if one of them is live.
 */
export async function faultOfParent(
  agent: AgentName,
  known: readonly [string, ...string[]],
  server: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { stable } = await call<{ readonly stable: Release }>(server, signal, '/v1/releases');
  const live = stable[fieldOf(agent)] ?? 'none';
  if (known.includes(live)) return undefined;
  return `it is compared with the agent ${known[0].slice(0, 12)}, live is ${live.slice(0, 12)}`;
}
