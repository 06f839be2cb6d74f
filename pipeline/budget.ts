/** The time that a request gives its search. */
export class TimeBudget {
  readonly #endMs: number;
  #ended = false;

  /** `maxTimeMs` from now; undefined for as long as it takes. */
  constructor(maxTimeMs: number | undefined) {
    this.#endMs = performance.now() + (maxTimeMs ?? Infinity);
  }

  /** Whether time is up. Whoever asks and is told so gives up work, which {@link cutShort} remembers. */
  readonly isOver = (): boolean => {
    this.#ended ||= performance.now() >= this.#endMs;
    return this.#ended;
  };

  /** Whether work was given up because time was up. */
  get cutShort(): boolean {
    return this.#ended;
  }
}
