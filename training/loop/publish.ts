import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fieldOf, type AgentField, type AgentName } from '../../agents/names.js';
import { inspectAgent } from '../../adapters/inspect-agent.js';
import { withLineage } from '../../adapters/lineage.js';
import { call, publishAgent } from '../../cli/admin-api.js';
import { CommandError } from '../../cli/exit-codes.js';
import { EXIT } from '../command-line.js';
import type { AgentReport, Report } from '../finetune/report.js';

/** A release as the admin API shows it: generations by agent. */
type Release = { readonly id: string } & Readonly<Partial<Record<AgentField, string>>>;

/** Where a server listens: for requests, and for its admin API. */
export interface Servers {
  readonly server: string;
  readonly adminServer: string;
}

/** What was published. */
export interface Published {
  readonly agent: AgentName;
  readonly generation: string;
  /** What spoke against it and was overruled; it is in the agent's lineage. */
  readonly forced: readonly string[];
}

/** The gate says no; `reasons` say why. */
export class NotPublishable extends Error {
  override readonly name = 'NotPublishable';
  readonly exitCode = EXIT.notBetter;

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
 * Hands the candidates of a training folder, or that of one agent, to a running server, for a share of the requests (`canary`)
 * or all. Each must have passed its gate against the very agent that is live, otherwise none is published; with `force` they need
 * not, and their lineage says what was overruled. Throws NotPublishable, CommandError (with the server's code), AgentError.
 */
export async function publishCandidates(
  options: {
    readonly folder: string;
    readonly agent?: AgentName | undefined;
    readonly canary?: number | undefined;
    readonly force: boolean;
    readonly signal: AbortSignal;
  } & Pick<Servers, 'adminServer'>,
): Promise<Published[]> {
  const { folder, adminServer: server, agent, canary, force, signal } = options;
  const reports = (await readReport(folder)).agents.filter((report) => agent === undefined || report.agent === agent);
  if (reports.length === 0) throw new CommandError('usage', `The training in ${folder} was not of ${agent!}.`);
  const judged = [];
  for (const report of reports) {
    const file = path.join(folder, path.basename(report.file));
    const reasons = [...report.gate.reasons, ...(await faultsNow(report, file, server, signal))];
    judged.push({ report, file, reasons });
  }
  const reasons = reasonsOf(judged.map((of) => ({ agent: of.report.agent, reasons: of.reasons })));
  if (reasons.length > 0 && !force) throw new NotPublishable(reasons);
  const published: Published[] = [];
  for (const { report, file, reasons: forced } of judged) {
    let { generation } = report;
    let toPublish = file;
    if (forced.length > 0) {
      toPublish = path.join(folder, `${report.agent}-forced.safetensors`);
      generation = await withLineage(file, toPublish, { forced });
    }
    await publishAgent({ server, file: toPublish, canary, signal });
    published.push({ agent: report.agent, generation, forced });
  }
  return published;
}

/** What speaks against some agents in one list, which names the agents where there are several. */
export function reasonsOf(
  agents: readonly { readonly agent: AgentName; readonly reasons: readonly string[] }[],
): string[] {
  return agents.flatMap(({ agent, reasons }) =>
    reasons.map((reason) => (agents.length > 1 ? `${agent}: ${reason}` : reason)),
  );
}

/** What may have changed since the gate judged: the candidate's file, or the agent it was measured against. */
async function faultsNow(report: AgentReport, file: string, server: string, signal: AbortSignal): Promise<string[]> {
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
