import type { AgentTensors } from '../../model/agent-tensors.js';
import type { Backbone, Memory } from '../../model/backbone.js';
import { constraintVocabulary } from '../../model/constraints/vocabulary.js';
import { scoreSequence, type Score } from '../../model/score.js';
import { choicesOf } from '../../pipeline/analysis.js';
import { proposeHypotheses } from '../../pipeline/hypotheses.js';
import { SourceFile } from '../../pipeline/source-file.js';
import { DEFAULT_OPTIONS } from '../../pipeline/types.js';
import type { CodeWindow } from '../../pipeline/windows.js';
import type { HeldOutRow } from './held-out.js';

/** What is predicted, and what the decoder is shown before. */
export const SEGMENTS = ['analysis', 'patch_given_analysis', 'patch_given_generated_analysis', 'patch_alone'] as const;

export type Segment = (typeof SEGMENTS)[number];

/** What an analysis is written of: a window, the issue, both as the encoder's tokens. */
export type AnalysedWindow = Pick<HeldOutRow, 'path' | 'heading' | 'lines' | 'sourceIds'> & {
  readonly issue: Pick<HeldOutRow['issue'], 'title'>;
};

/** A row's scores with an agent for each segment. */
export type RowScores = Readonly<Record<Segment, Score>>;

/** Teacher-forced scores of one row through the served graphs, with the agents and with the bare backbone. */
export async function scoreRow(
  backbone: Backbone,
  agents: { readonly issueAnalysis: AgentTensors; readonly codeGeneration: AgentTensors },
  bare: AgentTensors,
  row: HeldOutRow,
): Promise<{ readonly agents: RowScores; readonly bare: RowScores }> {
  const memory = await backbone.encode(row.sourceIds);
  const generated = await generatedAnalysis(backbone, memory, agents.issueAnalysis, row);
  const scores = async (analyst: AgentTensors, coder: AgentTensors): Promise<RowScores> => {
    const { analyse, patch } = backbone.tokenizer.special;
    const target = [...row.patchIds, backbone.tokenizer.eos];
    const score = (agent: AgentTensors, prompt: readonly number[], answer: readonly number[]): Promise<Score> =>
      scoreSequence(backbone, memory, agent, prompt, answer);
    return {
      analysis: await score(analyst, [analyse], [...row.analysisIds, patch]),
      patch_given_analysis: await score(coder, [analyse, ...row.analysisIds, patch], target),
      patch_given_generated_analysis: await score(coder, [analyse, ...generated], target),
      patch_alone: await score(coder, [patch], target),
    };
  };
  return { agents: await scores(agents.issueAnalysis, agents.codeGeneration), bare: await scores(bare, bare) };
}

/** The likeliest analysis of the row's own window, as serving finds it, ending with `<|patch|>`. */
export async function generatedAnalysis(
  backbone: Backbone,
  memory: Memory,
  agent: AgentTensors,
  row: AnalysedWindow,
): Promise<readonly number[]> {
  const vocabulary = constraintVocabulary(backbone.tokenizer);
  const state = backbone.open(memory, agent);
  try {
    const [best] = await proposeHypotheses(state, {
      choices: choicesOf(windowOf(row), backbone.config.fault_types, vocabulary),
      vocabulary,
      count: 1,
      beamWidth: DEFAULT_OPTIONS.analysisBeamWidth,
      maxProblemTokens: DEFAULT_OPTIONS.maxProblemTokens,
      maxHintTokens: DEFAULT_OPTIONS.maxHintTokens,
      title: row.issue.title,
      source: row.sourceIds,
    });
    if (!best) throw new Error('This is a bug: a window without an analysis.');
    return best.tokens;
  } finally {
    state.close();
  }
}

/** The window as the pipeline has it, its lines as the whole file. */
export function windowOf({ path, lines, heading }: AnalysedWindow): CodeWindow {
  const file = SourceFile.parse(path, lines.map((line) => `${line}\n`).join(''));
  if (!file) throw new Error(`${path} is no text.`);
  return { file, start: 0, end: file.lines.length, heading };
}
