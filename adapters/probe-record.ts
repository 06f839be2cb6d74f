import { Ajv2020 } from 'ajv/dist/2020.js';
import { AgentError } from './errors.js';

/** One short run of an agent, recorded where it was trained: whoever loads the agent must get the same. */
export interface Probe {
  /** Token ids given to the encoder. */
  readonly source: readonly number[];
  /** Token ids given to the decoder. */
  readonly tokens: readonly number[];
  /** The likeliest next token after each of `tokens`. */
  readonly top: readonly number[];
  /** The logit of each of `top`. */
  readonly logits: readonly number[];
}

const ids = { type: 'array', items: { type: 'integer', minimum: 0 }, minItems: 1, maxItems: 512 };
const validate = new Ajv2020().compile<Probe>({
  type: 'object',
  additionalProperties: false,
  required: ['source', 'tokens', 'top', 'logits'],
  properties: { source: ids, tokens: ids, top: ids, logits: { ...ids, items: { type: 'number' } } },
});

/** The probe in a file's metadata, undefined if there is none. Throws `AgentError` (`agent_malformed`). */
export function readProbe(text: string | undefined, source: string): Probe | undefined {
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new AgentError('agent_malformed', `${source}: metadata probe is not JSON.`, { cause });
  }
  if (validate(value) && value.top.length === value.tokens.length && value.logits.length === value.tokens.length) {
    return value;
  }
  throw new AgentError('agent_malformed', `${source}: metadata probe is no probe.`);
}
