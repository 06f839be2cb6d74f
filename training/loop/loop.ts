import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { fieldOf } from '../../agents/names.js';
import { inspectAgent } from '../../adapters/inspect-agent.js';
import { answerOfServer, type Answer } from '../../cli/client.js';
import { CommandError } from '../../cli/exit-codes.js';
import { EXIT } from '../command-line.js';
import { startsOf, type AgentChoice } from '../finetune/options.js';
import { heldOutRequest, type HeldOutRequest } from './held-out-request.js';
import { faultOfParent, NotPublishable, publishCandidates, readReport, reasonsOf, type Servers } from './publish.js';
import { sharedLines } from './shared-lines.js';

/** The whole way from rows to another answer. */
export interface LoopOptions extends Servers {
  readonly agent: AgentChoice;
  /** The agent's file to start from, or the folder of agents. */
  readonly from: string;
  readonly rows: string;
  readonly heldOut: string | undefined;
  /** Folder of the training. */
  readonly out: string;
  readonly force: boolean;
  /** More arguments of `npm run train`. */
  readonly trainArguments: readonly string[];
  readonly signal: AbortSignal;
  readonly print: (text: string) => void;
}

/** The training ended without a candidate; `exitCode` is its own. */
export class TrainingFailed extends Error {
  override readonly name = 'TrainingFailed';

  constructor(readonly exitCode: number) {
    super(`The training ended with code ${exitCode}.`);
  }
}

/**
 * Fine-tunes an agent or both, asks a running server about a held-out row, publishes the candidates there, asks again, and prints
 * both answers beside the right one. Throws TrainingFailed, NotPublishable, CommandError, AgentError.
 */
export async function runLoop(options: LoopOptions): Promise<void> {
  const { out, server, adminServer, force, signal, print } = options;
  // Known before hours of training: the gate compares with the agents that are live.
  const faults = await faultsOfStarts(options);
  if (faults.length > 0 && !force) throw new NotPublishable(faults);
  const code = await trainApart(trainArguments(options));
  if (code !== EXIT.done && code !== EXIT.notBetter) throw new TrainingFailed(code);
  const report = await readReport(out);
  const reasons = reasonsOf(report.agents.map(({ agent, gate }) => ({ agent, reasons: gate.reasons })));
  if (reasons.length > 0 && !force) throw new NotPublishable(reasons);
  const question = await heldOutRequest(options.heldOut ?? options.rows, report);
  const ask = (): Promise<Answer> => answerOfServer(question.request, server, { signal, onEvent: () => undefined });
  const before = await ask();
  const published = await publishCandidates({ folder: out, adminServer, force, signal });
  for (const { agent, forced } of published) {
    if (forced.length > 0) print(`Published ${agent} by force: ${forced.join('; ')}.\n`);
  }
  const after = await ask();
  if (published.some(({ agent, generation }) => after.release[fieldOf(agent)] !== generation)) {
    throw new CommandError(
      'failed',
      'The next request was answered by another agent: a canary, or somebody else published.',
    );
  }
  print(renderImprovement(question, before, after));
}

async function faultsOfStarts({ agent: choice, from, adminServer, signal }: LoopOptions): Promise<string[]> {
  const agents = [];
  for (const start of startsOf(choice, from)) {
    const { generation } = await inspectAgent(start.from);
    const fault = await faultOfParent(start.agent, [generation], adminServer, signal);
    agents.push({ agent: start.agent, reasons: fault === undefined ? [] : [fault] });
  }
  return reasonsOf(agents);
}

function trainArguments({ agent, from, rows, heldOut, out, trainArguments: more }: LoopOptions): string[] {
  const own = ['--agent', agent, '--from', from, '--rows', rows, '--out', out];
  return [...own, ...(heldOut === undefined ? [] : ['--heldout', heldOut]), ...more];
}

/** A process of its own gives its memory back, and saves its state on Ctrl-C by itself. */
async function trainApart(args: readonly string[]): Promise<number> {
  const program = path.join(import.meta.dirname, '..', 'finetune', 'main.js');
  const child = spawn(process.execPath, [program, ...args], { stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}

function renderImprovement({ request, patch }: HeldOutRequest, before: Answer, after: Answer): string {
  const row = (name: string, value: (answer: Answer) => string): string =>
    `| ${name} | ${value(before)} | ${value(after)} |\n`;
  return (
    `\nA held-out issue, "${request.issue.title}", asked before and after the publication:\n\n` +
    '| | before | after |\n|---|---|---|\n' +
    row('release', ({ release }) => release.id.slice(0, 12)) +
    row('answer', ({ status }) => status) +
    row('score', ({ patches }) => patches[0]?.score.toFixed(2) ?? '–') +
    row('removed and added lines as in the right patch (F1)', ({ patches }) =>
      patches[0] ? sharedLines(patches[0].diff, patch).toFixed(2) : '–',
    )
  );
}
