import { AGENT_TENSOR_NAMES, type AgentTensors } from '../model/agent-tensors.js';
import type { Backbone } from '../model/backbone.js';
import { bareAgent, type Agent } from './agent.js';
import { AgentError } from './errors.js';
import type { Probe } from './probe-record.js';

/** Root mean square of a tensor beyond which it is refused; trained tensors stay below 1, gate biases below 5. */
const MAX_RMS = 10;

/** Share of the largest logit by which a probe may differ: another processor's int8 products round differently. */
const PROBE_TOLERANCE = 0.05;

const sourceText = 'def last(items):\n    return items[len(items)]\n';
const writtenText = 'return items[-1]';

/**
 * The checks of an agent that need its backbone, none of which changes anything. Throws `AgentError`:
 * `agent_norm_too_large`, `agent_warm_up_failed`, `agent_no_effect`, `agent_probe_mismatch`.
 */
export async function checkAgent(backbone: Backbone, agent: Agent): Promise<void> {
  for (const name of AGENT_TENSOR_NAMES) {
    const rms = rootMeanSquare(agent.tensors[name]);
    if (rms > MAX_RMS) {
      throw new AgentError(
        'agent_norm_too_large',
        `${name} has a root mean square of ${rms.toPrecision(3)}, more than ${MAX_RMS}.`,
      );
    }
  }
  const source = backbone.tokenizer.encodeText(sourceText);
  const tokens = backbone.tokenizer.encodeText(writtenText);
  const own = await outputs(backbone, agent, source, tokens);
  const bare = await outputs(backbone, bareAgent(backbone.config, agent.name), source, tokens);
  if (own.every((logits, at) => logits.every((value, id) => value === bare[at]![id]))) {
    throw new AgentError('agent_no_effect', 'The outputs are those of the backbone without an agent.');
  }
  if (agent.probe) await checkProbe(backbone, agent, agent.probe);
}

/** Records what an agent answers, for its file. `source` and `tokens` are ids of the model's vocabulary; default: a short edit. */
export async function recordProbe(
  backbone: Backbone,
  agent: AgentTensors,
  source: readonly number[] = backbone.tokenizer.encodeText(sourceText),
  tokens: readonly number[] = backbone.tokenizer.encodeText(writtenText),
): Promise<Probe> {
  const found = (await outputs(backbone, agent, source, tokens)).map(likeliest);
  return { source, tokens, top: found.map(({ id }) => id), logits: found.map(({ logit }) => logit) };
}

async function checkProbe(backbone: Backbone, agent: Agent, probe: Probe): Promise<void> {
  const found = await outputs(backbone, agent, probe.source, probe.tokens);
  const scale = Math.max(...probe.logits.map(Math.abs));
  for (const [at, logits] of found.entries()) {
    const expected = probe.logits[at]!;
    const difference = Math.abs((logits[probe.top[at]!] ?? NaN) - expected);
    const beaten = likeliest(logits).logit - expected;
    if (!(difference <= PROBE_TOLERANCE * scale && beaten <= PROBE_TOLERANCE * scale)) {
      throw new AgentError(
        'agent_probe_mismatch',
        `After token ${at} of the recorded probe the output is another one.`,
      );
    }
  }
}

/** Logits [V] after each token. Throws `AgentError` (`agent_warm_up_failed`) when there are none or they are not finite. */
async function outputs(
  backbone: Backbone,
  agent: AgentTensors,
  source: readonly number[],
  tokens: readonly number[],
): Promise<Float32Array[]> {
  let logits: Float32Array[];
  try {
    const state = backbone.open(await backbone.encode(source), agent);
    try {
      logits = (await state.step([{ row: state.row(), tokens, logits: tokens.length }]))[0] ?? [];
    } finally {
      state.close();
    }
  } catch (cause) {
    throw new AgentError('agent_warm_up_failed', 'The first run with the agent failed.', { cause });
  }
  if (!logits.every((row) => row.every(Number.isFinite))) {
    throw new AgentError('agent_warm_up_failed', 'The first run with the agent gives numbers that are not finite.');
  }
  return logits;
}

function likeliest(logits: Float32Array): { id: number; logit: number } {
  let id = 0;
  for (let other = 1; other < logits.length; other++) if (logits[other]! > logits[id]!) id = other;
  return { id, logit: logits[id]! };
}

function rootMeanSquare(values: Float32Array): number {
  let sum = 0;
  for (const value of values) sum += value * value;
  return Math.sqrt(sum / values.length);
}
