/** Deliveries that are at work or done: the same one again is not worked on twice. The oldest are forgotten. */
export class Deliveries {
  readonly #known = new Set<string>();
  readonly #capacity: number;

  constructor(capacity = 1000) {
    this.#capacity = capacity;
  }

  /** Whether the delivery is new; from now on it is known. */
  begin(id: string): boolean {
    if (this.#known.has(id)) return false;
    this.#known.add(id);
    if (this.#known.size > this.#capacity) {
      const [oldest] = this.#known;
      this.#known.delete(oldest!);
    }
    return true;
  }

  /** A delivery that failed may come again. */
  forget(id: string): void {
    this.#known.delete(id);
  }
}
