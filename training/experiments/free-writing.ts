import type { AgentTensors } from '../../model/agent-tensors.js';
import type { Backbone, Memory } from '../../model/backbone.js';
import { generate } from '../../model/generate.js';
import { RawText } from '../../pipeline/raw-text.js';

/** Writes text greedily after `prompt`, without the constraints of serving, to one of `ends` or `maxTokens`. */
export async function writeFreely(
  backbone: Backbone,
  memory: Memory,
  agent: AgentTensors,
  prompt: readonly number[],
  options: { readonly maxTokens: number; readonly ends: readonly number[]; readonly signal: AbortSignal },
): Promise<{ readonly tokens: readonly number[]; readonly text: string }> {
  const ends = new Set(options.ends);
  const constraint = new RawText(backbone.tokenizer, { tokens: ends, strings: [] });
  const state = backbone.open(memory, agent);
  try {
    const [finished] = await generate(state, [{ row: state.row(), constraint, prompt }], {
      maxNewTokens: Math.min(options.maxTokens, backbone.config.max_target_tokens - prompt.length),
      temperature: 0,
      signal: options.signal,
    });
    return { tokens: (finished?.tokens ?? []).filter((token) => !ends.has(token)), text: constraint.text };
  } finally {
    state.close();
  }
}
