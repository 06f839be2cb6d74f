import type { AgentTensors } from '../model/agent-tensors.js';
import type { Backbone, Memory } from '../model/backbone.js';
import { constraintVocabulary } from '../model/constraints/vocabulary.js';
import { WindowLines } from '../model/constraints/window-lines.js';
import type { DecoderState } from '../model/decoder-state.js';
import { choicesOf } from './analysis.js';
import type { TimeBudget } from './budget.js';
import { writePatches } from './candidates.js';
import type { WrittenPatch } from './written-patch.js';
import { proposeHypotheses, type Hypothesis } from './hypotheses.js';
import type { MeasureRecorder } from './measures.js';
import type { PreparedWindow } from './search.js';
import { textStream } from './text-stream.js';
import type { PatchRequest, PipelineEvent, PipelineOptions } from './types.js';
import { viewsOf } from './windows.js';

/** What both agents' work on one window shares. */
export interface WindowTask {
  readonly backbone: Backbone;
  readonly memory: Memory;
  readonly prepared: PreparedWindow;
  readonly request: PatchRequest;
  readonly options: PipelineOptions;
  readonly budget: TimeBudget;
  readonly signal: AbortSignal | undefined;
  /** Progress; only the first window's text is reported. */
  readonly onText: ((event: PipelineEvent) => void) | undefined;
  readonly recorder: MeasureRecorder;
}

/** The analysis agent's readings of the issue in a window, best first. */
export async function analyse(task: WindowTask, agent: AgentTensors, count: number): Promise<Hypothesis[]> {
  const { backbone, options, signal, onText } = task;
  const vocabulary = constraintVocabulary(backbone.tokenizer);
  return withDecoder(task, agent, 'analysis', (state) =>
    proposeHypotheses(state, {
      choices: choicesOf(task.prepared.window, backbone.config.fault_types, vocabulary),
      vocabulary,
      count,
      beamWidth: options.analysisBeamWidth,
      maxProblemTokens: options.maxProblemTokens,
      maxHintTokens: options.maxHintTokens,
      title: task.request.issue.title,
      source: task.prepared.source,
      isOver: task.budget.isOver,
      ...(signal && { signal }),
      ...(onText && { onToken: textStream('analysis', (ids) => vocabulary.decode(ids), onText) }),
    }),
  );
}

/** The code agent's patches for these readings; `wanted` different ones, if it finds so many. */
export async function write(
  task: WindowTask,
  agent: AgentTensors,
  hypotheses: readonly Hypothesis[],
  wanted: number,
): Promise<WrittenPatch[]> {
  const { backbone, options, request, signal, onText } = task;
  const vocabulary = constraintVocabulary(backbone.tokenizer);
  return withDecoder(task, agent, 'code', (state) =>
    writePatches(state, hypotheses, {
      lines: new WindowLines(viewsOf(task.prepared.window), vocabulary),
      vocabulary,
      wanted,
      maxRounds: options.maxRounds,
      maxPatchTokens: Math.min(request.max_new_tokens ?? options.maxPatchTokens, options.maxPatchTokens),
      maxTargetTokens: backbone.config.max_target_tokens,
      temperature: request.temperature ?? 0,
      topP: options.topP,
      seed: request.seed ?? 0,
      isOver: task.budget.isOver,
      ...(signal && { signal }),
      ...(onText && { onToken: textStream('code', (ids) => vocabulary.decode(ids), onText) }),
    }),
  );
}

async function withDecoder<T>(
  { backbone, memory, recorder }: WindowTask,
  agent: AgentTensors,
  stage: 'analysis' | 'code',
  work: (state: DecoderState) => Promise<T>,
): Promise<T> {
  const state = backbone.open(memory, agent);
  try {
    return await work(state);
  } finally {
    recorder[stage].decoded(state);
    state.close();
  }
}
