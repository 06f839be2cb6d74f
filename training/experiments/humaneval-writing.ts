import type { Agent } from '../../adapters/agent.js';
import type { Backbone, Memory } from '../../model/backbone.js';
import { runChain } from '../../pipeline/chains/run-chain.js';
import type { SyntaxChecker } from '../../pipeline/syntax.js';
import { runsThrough } from '../benchmark/function-trial.js';
import type { HumanEvalRow } from './humaneval-rows.js';

/** The two agents of the chain. */
export interface ChainPair {
  readonly specification: Agent;
  readonly implementation: Agent;
}

/** One answer to one task. */
export interface WrittenFunction {
  readonly specification: string;
  /** Whether the agent's own description passed its check within its tries. */
  readonly specification_valid: boolean;
  /** The body; that of the last try if none passed. */
  readonly body: string;
  /** Why the last try did not pass; null if it did. */
  readonly fault: string | null;
  /** Answers tried, 1 to 3. */
  readonly tries: number;
  /** The task's own tests pass. */
  readonly passes: boolean;
}

export interface WrittenTask {
  readonly task: string;
  readonly answers: readonly WrittenFunction[];
}

/** Of all samples, as is usual where several of one task are compared. */
const TEMPERATURE = 0.8;

/** `count` answers of the chain to a task, each run against the task's tests. Throws `ModelError`, RangeError (no python3). */
export async function writeTask(
  { backbone, syntax }: { readonly backbone: Backbone; readonly syntax: SyntaxChecker },
  pair: ChainPair,
  { task }: HumanEvalRow,
  options: { readonly count: number; readonly seed: number; readonly signal: AbortSignal },
): Promise<WrittenTask> {
  const { count, seed, signal } = options;
  const engine = {
    backbone: readOnce(backbone),
    syntax,
    agent: (name: string): Agent => pair[name as keyof ChainPair],
  };
  const answers: WrittenFunction[] = [];
  for (let at = 0; at < count; at++) {
    const request = {
      chain: 'humaneval' as const,
      prompt: task.prompt,
      max_tokens: backbone.config.max_target_tokens,
      temperature: TEMPERATURE,
      // Tries of one answer take successive seeds.
      seed: 1000 * seed + 10 * at,
    };
    const { text, program, fields, tries } = await runChain(engine, request, { signal });
    const bodies = tries.filter(({ agent }) => agent === 'implementation');
    const descriptions = tries.filter(({ agent }) => agent === 'specification');
    answers.push({
      specification: fields.at(-1) ?? '',
      specification_valid: descriptions.at(-1)?.fault === null,
      body: text ?? bodies.at(-1)?.text ?? '',
      fault: text === null ? (bodies.at(-1)?.fault ?? 'no try') : null,
      tries: bodies.length,
      passes: program !== null && (await runsThrough(`${program}\n${task.test}\ncheck(${task.entry_point})\n`, signal)),
    });
  }
  return { task: task.task_id, answers };
}

/** All answers to a task have the same source, which is encoded once. */
function readOnce(backbone: Backbone): Backbone {
  let memory: Promise<Memory> | undefined;
  return {
    config: backbone.config,
    tokenizer: backbone.tokenizer,
    encode: (ids, signal) => (memory ??= backbone.encode(ids, signal)),
    open: (of, agent) => backbone.open(of, agent),
    close: () => backbone.close(),
  };
}

/** The chance that of k answers one passes, from c of n that passed: 1 − C(n−c, k) / C(n, k). Source: Chen et al. 2021, HumanEval. */
export function passAt(k: number, n: number, c: number): number {
  if (n - c < k) return 1;
  let none = 1;
  for (let at = n - c + 1; at <= n; at++) none *= 1 - k / at;
  return 1 - none;
}
