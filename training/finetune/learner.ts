import type { AgentName } from '../../agents/names.js';
import type { AgentNumbers } from './graphs.js';
import { AdamW, copyOf } from './optimiser.js';
import type { Sequence } from './sequences.js';

/** What one agent of a run learns: where it begins, and on what. */
export interface Lesson {
  readonly agent: AgentName;
  /** Numbers to start from; they are not changed. */
  readonly start: AgentNumbers;
  readonly train: readonly Sequence[];
  readonly valid: readonly Sequence[];
}

/** An agent's part of a checkpoint. */
export interface LearnerNumbers {
  readonly parameters: AgentNumbers;
  readonly first: AgentNumbers;
  readonly second: AgentNumbers;
  readonly best: AgentNumbers;
}

/** One agent while it is trained: its numbers and the state of its optimiser, shared with no other. */
export class Learner {
  readonly parameters: AgentNumbers;
  readonly optimiser: AdamW<keyof AgentNumbers>;
  /** Numbers of the best step so far. */
  best: AgentNumbers;

  constructor(
    readonly lesson: Lesson,
    weightDecay: number,
  ) {
    this.parameters = copyOf(lesson.start);
    this.optimiser = new AdamW(this.parameters, weightDecay);
    this.best = copyOf(lesson.start);
  }

  get agent(): AgentName {
    return this.lesson.agent;
  }

  keepAsBest(): void {
    this.best = copyOf(this.parameters);
  }

  numbers(): LearnerNumbers {
    const { first, second } = this.optimiser;
    return { parameters: this.parameters, first, second, best: this.best };
  }

  /** Goes back to where a checkpoint was written, after so many updates of this agent. */
  restore(stored: LearnerNumbers, updates: number): void {
    const own = this.numbers();
    for (const part of ['parameters', 'first', 'second'] as const) {
      for (const name of Object.keys(own[part]) as (keyof AgentNumbers)[]) own[part][name].set(stored[part][name]);
    }
    this.best = stored.best;
    this.optimiser.updates = updates;
  }
}
