import type { Chart } from './charts.js';
import { make } from './elements.js';

/** Values that are kept: five minutes of readings. */
const KEPT = 60;
const WIDTH = 120;
const HEIGHT = 32;
/** Room for the line's thickness. */
const MARGIN = 2;

/** One chart's name, last value and line. */
export class Sparkline {
  readonly element: HTMLLIElement;
  readonly #value = make('div', { class: 'value' }, '–');
  readonly #svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  readonly #line = document.createElementNS('http://www.w3.org/2000/svg', 'polyline');
  readonly #values: number[] = [];

  constructor(readonly chart: Chart) {
    this.#svg.setAttribute('viewBox', `0 0 ${WIDTH} ${HEIGHT}`);
    this.#svg.setAttribute('preserveAspectRatio', 'none');
    this.#svg.setAttribute('role', 'img');
    this.#svg.append(this.#line);
    this.element = make('li', {}, make('div', { class: 'name' }, chart.name), this.#value, this.#svg);
    this.#describe();
  }

  /** Adds a value. Without one the last stays: nothing was measured meanwhile. */
  add(value: number | undefined): void {
    const next = value ?? this.#values.at(-1);
    if (next === undefined) return;
    this.#values.push(next);
    if (this.#values.length > KEPT) this.#values.shift();
    this.#value.textContent = this.chart.format(next);
    this.#draw();
    this.#describe();
  }

  #draw(): void {
    const [low, high] = this.chart.range ?? [Math.min(...this.#values), Math.max(...this.#values)];
    const height = (value: number): number => (high > low ? (value - low) / (high - low) : 0.5);
    const points = this.#values.map((value, index) => {
      const x = WIDTH - (this.#values.length - 1 - index) * (WIDTH / (KEPT - 1));
      const y = HEIGHT - MARGIN - height(value) * (HEIGHT - 2 * MARGIN);
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    });
    this.#line.setAttribute('points', points.join(' '));
  }

  #describe(): void {
    const { name, format } = this.chart;
    const [lowest, highest] = [Math.min(...this.#values), Math.max(...this.#values)];
    const text = this.#values.length === 0 ? 'not measured yet' : `${format(lowest)} to ${format(highest)} so far`;
    this.#svg.setAttribute('aria-label', `${name}: ${text}`);
  }
}
