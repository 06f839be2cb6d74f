import { textChain, type AgentName } from '../../agents/names.js';
import type { ChainTask } from '../../agents/text-chain.js';
import type { AgentTensors } from '../../model/agent-tensors.js';
import type { Backbone, DecoderState, Memory } from '../../model/backbone.js';
import { constraintVocabulary, type ConstraintVocabulary } from '../../model/constraints/vocabulary.js';
import { ModelError } from '../../model/errors.js';
import { generate } from '../../model/generate.js';
import type { SyntaxChecker } from '../syntax.js';
import type { ChainAnswer, ChainRequest, ChainTry } from '../types.js';
import { BlockConstraint } from './block-constraint.js';
import { blockPieces } from './block-pieces.js';
import { FieldConstraint } from './field-constraint.js';
import { sourceTokens } from './prompt-tokens.js';

/** Tries of one text: the first, a repair, a last one. Source: row 59 of the seed inventory, whose tries could all be the same. */
export const MAX_TRIES = 3;

/** Of tries after the first, which would all be the same when greedy. */
const RETRY_TEMPERATURE = 0.8;

/** What runs a chain. */
export interface ChainEngine {
  readonly backbone: Backbone;
  readonly syntax: SyntaxChecker;
  /** The agent of this name in the release that answers. */
  readonly agent: (name: AgentName) => AgentTensors;
}

/** What the stages of one run share. */
interface Run {
  readonly engine: ChainEngine;
  readonly vocabulary: ConstraintVocabulary;
  readonly task: ChainTask;
  readonly request: ChainRequest;
  readonly memory: Memory;
  readonly signal: AbortSignal | undefined;
  readonly tries: ChainTry[];
}

/**
 * Answers a prompt by the two agents of a chain, each of which is asked again, at most {@link MAX_TRIES} times in all, while what it
 * wrote does not pass. Throws `ModelError` (`input_too_long`: the chain cannot read the prompt, or it leaves no room).
 */
export async function runChain(
  engine: ChainEngine,
  request: ChainRequest,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<ChainAnswer> {
  const { backbone } = engine;
  const { tokenizer, config } = backbone;
  const chain = textChain(request.chain)!;
  const task = chain.read(request.prompt);
  if (!task) throw new ModelError('input_too_long', `The prompt is none for ${chain.name}.`);
  const source = sourceTokens(task, tokenizer);
  if (source.length > config.max_source_tokens) {
    throw new ModelError(
      'input_too_long',
      `The prompt has ${source.length} tokens, more than ${config.max_source_tokens}.`,
    );
  }
  const memory = await backbone.encode(source, signal);
  const vocabulary = constraintVocabulary(tokenizer);
  const run: Run = { engine, vocabulary, task, request, memory, signal, tries: [] };
  const [first, last] = chain.agents;
  const { prompt, fields } = await writeFields(run, first);
  const room = config.max_target_tokens - prompt.length;
  if (room < 2 * MIN_ANSWER_TOKENS) {
    throw new ModelError('input_too_long', `The prompt leaves ${room} tokens for the answer.`);
  }
  const text = await writeAnswer(run, last, prompt, Math.min(room, task.maxAnswerTokens, request.max_tokens));
  return {
    text,
    program: text === null ? null : task.program(text),
    fields,
    tries: run.tries,
    usage: { prompt_tokens: source.length, completion_tokens: run.tries.reduce((sum, { tokens }) => sum + tokens, 0) },
  };
}

/** Room for one short line. */
const MIN_ANSWER_TOKENS = 16;

/** The first agent's fields, and all that the last one reads before its answer. */
async function writeFields(run: Run, agent: AgentName): Promise<{ prompt: number[]; fields: string[] }> {
  const { task, vocabulary } = run;
  const { special } = vocabulary;
  const prompt: number[] = [special.analyse];
  const fields: string[] = [];
  for (const [at, field] of task.fields.entries()) {
    prompt.push(special[field.symbol]);
    let text = field.given;
    if (text === undefined) {
      const next = task.fields[at + 1];
      const end = next ? special[next.symbol] : special.patch;
      const options = { maxTokens: field.maxTokens, refused: new Set<string>() };
      for (let tried = 0; tried < MAX_TRIES; tried++) {
        const constraint = new FieldConstraint(vocabulary, end, options);
        const tokens = await withDecoder(run, agent, (state) => write(run, state, constraint, prompt, tried));
        text = constraint.text;
        if (options.refused.has(text)) break;
        const fault = field.faultOf?.(text);
        run.tries.push({ agent, text, fault: fault ?? null, tokens });
        if (fault === undefined) break;
        options.refused.add(text);
      }
    }
    fields.push(text!);
    prompt.push(...vocabulary.encodeText(text!).slice(0, field.maxTokens));
  }
  prompt.push(special.patch);
  return { prompt, fields };
}

/** The first answer that passes; null if none does. A repair goes on after the lines that are sound, the last try begins anew. */
async function writeAnswer(run: Run, agent: AgentName, prompt: number[], maxTokens: number): Promise<string | null> {
  const { task, vocabulary, engine } = run;
  const pieces = blockPieces(engine.backbone.tokenizer, vocabulary, task.indent);
  const refused = new Set<string>();
  let kept: readonly number[] = [];
  for (let tried = 0; tried < MAX_TRIES; tried++) {
    const constraint = new BlockConstraint(vocabulary, { pieces, maxTokens, refused });
    for (const token of kept) constraint.advance(token);
    const tokens = await withDecoder(run, agent, (state) => write(run, state, constraint, [...prompt, ...kept], tried));
    const { text } = constraint;
    if (refused.has(text)) break;
    const fault = faultOf(run, text);
    run.tries.push({ agent, text, fault: fault ?? null, tokens });
    if (fault === undefined) return text;
    refused.add(text);
    kept = tried + 2 < MAX_TRIES ? soundTokens(run, text) : [];
  }
  return null;
}

function faultOf({ task, engine }: Run, text: string): string | undefined {
  return isSound(engine.syntax, task, text) ? task.faultOf(text) : 'does not parse';
}

function isSound(syntax: SyntaxChecker, task: ChainTask, text: string): boolean {
  const parsed = syntax.parse(task.path, task.program(text));
  try {
    return parsed?.isSound ?? true;
  } finally {
    parsed?.dispose();
  }
}

/** The tokens of the longest beginning, short of the whole, after which the program parses. */
function soundTokens({ task, engine, vocabulary }: Run, text: string): number[] {
  const lines = text.split('\n').slice(0, -1);
  for (let count = lines.length - 1; count > 0; count--) {
    const kept = lines.slice(0, count);
    if (!isSound(engine.syntax, task, kept.map((line) => `${line}\n`).join(''))) continue;
    return kept.flatMap((line) => [vocabulary.special.add, ...vocabulary.encodeLine(line)]);
  }
  return [];
}

/** Writes one text; returns its number of tokens. */
async function write(
  run: Run,
  state: DecoderState,
  constraint: FieldConstraint | BlockConstraint,
  prompt: readonly number[],
  tried: number,
): Promise<number> {
  const { request, signal, engine } = run;
  const temperature = tried === 0 ? request.temperature : Math.max(request.temperature, RETRY_TEMPERATURE);
  const [finished] = await generate(state, [{ row: state.row(), constraint, prompt }], {
    maxNewTokens: engine.backbone.config.max_target_tokens,
    temperature,
    topP: temperature > 0 ? 0.95 : 1,
    seed: request.seed + tried,
    ...(signal && { signal }),
  });
  return finished?.tokens.length ?? 0;
}

async function withDecoder<T>(
  { engine, memory }: Run,
  agent: AgentName,
  work: (state: DecoderState) => Promise<T>,
): Promise<T> {
  const state = engine.backbone.open(memory, engine.agent(agent));
  try {
    return await work(state);
  } finally {
    state.close();
  }
}
