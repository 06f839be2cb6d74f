import { Ajv2020 } from 'ajv/dist/2020.js';
import type { AgentTensors } from '../model/agent-tensors.js';
import type { Backbone } from '../model/backbone.js';
import { scoreSequence, type Score } from '../model/score.js';
import type { Tokenizer } from '../model/tokenizer.js';
import { prepareWindows } from './search.js';
import { DEFAULT_OPTIONS, type Analysis } from './types.js';

/** An issue with its code and the answers that would be right, kept from all training; one per line of a probe file. */
export interface ProbeRow {
  readonly name: string;
  readonly issue: { readonly title: string; readonly body: string };
  readonly path: string;
  readonly content: string;
  readonly analysis: Omit<Analysis, 'confidence'>;
  /** The patch as the protocol writes it: quoted, deleted and added lines in order. */
  readonly patch: readonly (readonly ['ctx' | 'del' | 'add', string])[];
}

/** Sums over the rows, by agent. */
export interface ProbeScores {
  readonly analysis: Score;
  readonly code: Score;
}

const text = { type: 'string' };
const object = (properties: Record<string, unknown>): object => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});
const validate = new Ajv2020({ strictTuples: false }).compile<ProbeRow>(
  object({
    name: text,
    issue: object({ title: text, body: text }),
    path: text,
    content: text,
    analysis: object({ problem: text, fault_type: text, fault_location: text, line: text, hint: text }),
    patch: {
      type: 'array',
      minItems: 1,
      items: { type: 'array', prefixItems: [{ enum: ['ctx', 'del', 'add'] }, text], minItems: 2, maxItems: 2 },
    },
  }),
);

/** The rows of a file's text (JSON lines). Throws an Error that names the line which is no row, or when there is none. */
export function parseProbeRows(lines: string): ProbeRow[] {
  const rows = lines.split('\n').flatMap((line, index) => {
    if (line.trim() === '') return [];
    const row: unknown = JSON.parse(line);
    if (validate(row)) return [row];
    const [fault] = validate.errors ?? [];
    throw new Error(`Line ${index + 1} is no probe row: ${fault?.instancePath ?? ''} ${fault?.message ?? ''}.`);
  });
  if (rows.length === 0) throw new Error('The file holds no probe rows.');
  return rows;
}

/** Analysis (from `<|problem|>` to the end of the hint) and patch of a row as tokens. */
export function probeTokens(
  { analysis, patch }: ProbeRow,
  tokenizer: Tokenizer,
): { readonly analysis: number[]; readonly patch: number[] } {
  const { special } = tokenizer;
  const fields = [
    [special.problem, analysis.problem],
    [special.type, analysis.fault_type],
    [special.loc, analysis.fault_location],
    [special.line, analysis.line],
    [special.hint, analysis.hint],
  ] as const;
  return {
    analysis: fields.flatMap(([symbol, value]) => [symbol, ...tokenizer.encodeText(value)]),
    patch: patch.flatMap(([kind, line]) => [special[kind], ...tokenizer.encodeLine(line)]),
  };
}

/** How well both agents foretell one row's answers, on the window that serving would choose first. */
export async function scoreProbeRow(
  backbone: Backbone,
  agents: { readonly issueAnalysis: AgentTensors; readonly codeGeneration: AgentTensors },
  row: ProbeRow,
): Promise<ProbeScores> {
  const { tokenizer } = backbone;
  const { analyse, patch: patchSymbol } = tokenizer.special;
  const request = { issue: row.issue, files: [{ path: row.path, content: row.content }] };
  const [best] = prepareWindows(backbone, request, DEFAULT_OPTIONS);
  if (!best) throw new Error(`The probe row ${row.name} has no lines.`);
  const memory = await backbone.encode(best.source);
  const { analysis, patch } = probeTokens(row, tokenizer);
  const read = [...analysis, patchSymbol];
  return {
    analysis: await scoreSequence(backbone, memory, agents.issueAnalysis, [analyse], read),
    code: await scoreSequence(backbone, memory, agents.codeGeneration, [analyse, ...read], [...patch, tokenizer.eos]),
  };
}
