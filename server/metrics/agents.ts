import { Counter, Histogram, type Registry } from 'prom-client';
import { REQUIRED_AGENTS, type AgentName } from '../../agents/names.js';
import type { AgentMeasures } from '../../pipeline/types.js';
import type { InferenceResult } from '../inference/messages.js';
import type { Label } from '../releases/state.js';
import { firstTokenBuckets, prefix, ratioBuckets, stageBuckets, tokenGapBuckets } from './names.js';

/** How fast and how sure each agent works. */
export class AgentMetrics {
  readonly duration;
  readonly timeToFirstToken;
  readonly tokenGap;
  readonly generationTokens;
  readonly decoderRuns;
  readonly decoderSequences;
  readonly tokenLogprob;
  readonly gate;

  constructor(registry: Registry) {
    const registers = [registry];
    const labelNames = ['agent'] as const;
    this.duration = new Histogram({
      name: `${prefix}agent_duration_seconds`,
      help: 'Time one agent worked on one request, by the label of its release.',
      labelNames: ['agent', 'label'] as const,
      buckets: stageBuckets,
      registers,
    });
    this.timeToFirstToken = new Histogram({
      name: `${prefix}time_to_first_token_seconds`,
      help: 'Time from admission to the first text of the agent, queue included.',
      labelNames,
      buckets: firstTokenBuckets,
      registers,
    });
    this.tokenGap = new Histogram({
      name: `${prefix}inter_token_latency_seconds`,
      help: 'Time between successive tokens of the first sequence of the agent.',
      labelNames,
      buckets: tokenGapBuckets,
      registers,
    });
    this.generationTokens = new Counter({
      name: `${prefix}generation_tokens_total`,
      help: 'Tokens written, by agent; forced ones included.',
      labelNames,
      registers,
    });
    this.decoderRuns = new Counter({
      name: `${prefix}decoder_runs_total`,
      help: 'Runs of the decoder graph.',
      labelNames,
      registers,
    });
    this.decoderSequences = new Counter({
      name: `${prefix}decoder_sequences_total`,
      help: 'Sequences in all runs of the decoder graph; divided by the runs it is the mean batch size.',
      labelNames,
      registers,
    });
    this.tokenLogprob = new Histogram({
      name: `${prefix}token_logprob_mean`,
      help: 'Mean log-probability (nats) of the tokens that the agent chose in one request.',
      labelNames,
      buckets: [-5, -3, -2, -1.5, -1, -0.75, -0.5, -0.35, -0.2, -0.1, -0.05, 0],
      registers,
    });
    this.gate = new Histogram({
      name: `${prefix}gate_activation_ratio`,
      help: 'Mean opening of the router gates of the agent in one request.',
      labelNames,
      buckets: ratioBuckets,
      registers,
    });
    for (const agent of REQUIRED_AGENTS) {
      for (const counter of [this.generationTokens, this.decoderRuns, this.decoderSequences]) counter.inc({ agent }, 0);
      for (const histogram of [this.timeToFirstToken, this.tokenGap, this.tokenLogprob, this.gate]) {
        histogram.zero({ agent });
      }
      this.duration.zero({ agent, label: 'stable' });
    }
  }

  /** Counts one answer; `waitedMs` is its time in the queue. */
  observe({ result, measures }: InferenceResult, label: Label, waitedMs: number): void {
    const { usage, timings } = result;
    const observe = (agent: AgentName, taken: AgentMeasures, tokens: number, ms: number): void => {
      this.duration.observe({ agent, label }, ms / 1000);
      this.generationTokens.inc({ agent }, tokens);
      this.decoderRuns.inc({ agent }, taken.runs);
      this.decoderSequences.inc({ agent }, taken.sequences);
      if (taken.first_text_ms !== null) {
        this.timeToFirstToken.observe({ agent }, (waitedMs + taken.first_text_ms) / 1000);
      }
      for (const gap of taken.gaps_ms) this.tokenGap.observe({ agent }, gap / 1000);
      if (taken.mean_logprob !== null) this.tokenLogprob.observe({ agent }, taken.mean_logprob);
      if (taken.gate_mean !== null) this.gate.observe({ agent }, taken.gate_mean);
    };
    observe('issue-analysis', measures.analysis, usage.analysis_tokens, timings.analysis);
    observe('code-generation', measures.code, usage.patch_tokens, timings.code);
  }
}
