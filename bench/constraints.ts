import type { Allowed, Constraint } from '../model/constraint.js';
import { forcedRun } from '../model/constraints/forced-run.js';
import type { PatchConstraint } from '../model/constraints/patch-constraint.js';

/** A patch that may not end: for a given number of tokens from a model that would stop earlier. */
export class EndlessPatch implements Constraint {
  constructor(
    private readonly inner: PatchConstraint,
    private readonly eos: number,
  ) {}

  get done(): boolean {
    return this.inner.done;
  }

  allowed(): Allowed {
    const allowed = this.inner.allowed();
    if (!('only' in allowed)) return allowed;
    const others = allowed.only.filter((token) => token !== this.eos);
    return others.length > 0 ? { only: others } : allowed;
  }

  forced(): readonly number[] {
    return forcedRun(this);
  }

  draft(): readonly number[] {
    return this.inner.draft();
  }

  advance(token: number): void {
    this.inner.advance(token);
  }

  clone(): EndlessPatch {
    return new EndlessPatch(this.inner.clone(), this.eos);
  }
}

/** Any text: nothing is forced, nothing drafted, nothing ends. */
export class FreeText implements Constraint {
  readonly done = false;

  constructor(private readonly never: ReadonlySet<number>) {}

  allowed(): Allowed {
    return { except: this.never };
  }

  forced(): readonly number[] {
    return [];
  }

  advance(): void {
    // Nothing depends on what came before.
  }

  clone(): this {
    return this;
  }
}
