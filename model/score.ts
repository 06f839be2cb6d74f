import type { AgentTensors } from './agent-tensors.js';
import type { Backbone, Memory } from './backbone.js';

/** Sums over the predicted tokens of one sequence. */
export interface Score {
  /** Nats. */
  readonly loss: number;
  /** Tokens that the model would have chosen, too. */
  readonly correct: number;
  readonly tokens: number;
}

/**
 * Cross-entropy and accuracy of the `target` tokens after `prompt`, unconstrained, in one run of the decoder. Throws what
 * `DecoderState.step` throws.
 */
export async function scoreSequence(
  backbone: Backbone,
  memory: Memory,
  agent: AgentTensors,
  prompt: readonly number[],
  target: readonly number[],
): Promise<Score> {
  const state = backbone.open(memory, agent);
  try {
    const tokens = [...prompt, ...target.slice(0, -1)];
    const [logits] = await state.step([{ row: state.row(), tokens, logits: target.length }]);
    let loss = 0;
    let correct = 0;
    target.forEach((token, index) => {
      const { logSum, best } = summary(logits![index]!);
      loss += logSum - logits![index]![token]!;
      if (best === token) correct++;
    });
    return { loss, correct, tokens: target.length };
  } finally {
    state.close();
  }
}

/** Logarithm of the sum of exponentials, and the most likely token. */
function summary(logits: Float32Array): { logSum: number; best: number } {
  let best = 0;
  for (let id = 1; id < logits.length; id++) if (logits[id]! > logits[best]!) best = id;
  const top = logits[best]!;
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit - top);
  return { logSum: top + Math.log(sum), best };
}
