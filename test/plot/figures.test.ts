// Proves: pass rates and reliability are drawn from their figures, side by side.
import assert from 'node:assert/strict';
import { beside, passPanel, reliabilityPanel } from '../../training/plot/figures.js';
import { renderSvg } from '../../training/plot/render.js';

const estimate = (value: number) => ({ value, low: value - 0.1, high: value + 0.1, items: 10 });
const bin = (low: number, items: number) => ({ low, high: low + 0.1, items, mean_score: low + 0.05, right: 0.5 });

describe('figures of evaluation and benchmark', () => {
  it('show a point for each number of candidates and a dot for each bin', async () => {
    const panels = [passPanel([0.2, 0.3, 0.4].map(estimate)), reliabilityPanel('a < b', [bin(0.1, 5), bin(0.6, 20)])];
    const svg = await renderSvg(beside('Repairs', panels));
    assert.ok(
      ['Repairs', 'Pass rate', 'a &lt; b', 'candidates tried', 'share right'].every((text) => svg.includes(text)),
    );
    assert.equal(svg.match(/aria-roledescription="point"/g)?.length, 3);
    assert.equal(svg.match(/aria-roledescription="circle"/g)?.length, 2);
    assert.doesNotMatch(svg, /NaN|undefined|Infinity/);
  });

  it('are drawn without any bin, too', async () => {
    const svg = await renderSvg(beside('Nothing', [reliabilityPanel('none', [])]));
    assert.doesNotMatch(svg, /NaN|undefined/);
  });
});
