import assert from 'node:assert/strict';
import type { TopLevelSpec } from 'vega-lite';
import { renderSvg } from '../../training/plot/render.js';

const LINE: TopLevelSpec = {
  data: { values: [1, 2, 3].map((step) => ({ step, loss: 4 - step })) },
  title: 'Loss <by step>',
  mark: 'line',
  encoding: { x: { field: 'step', type: 'quantitative' }, y: { field: 'loss', type: 'quantitative' } },
};

describe('plots', () => {
  it('are SVG with title and axes, the same each time', async () => {
    const svg = await renderSvg(LINE);
    assert.match(svg, /^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    assert.ok(svg.includes('Loss &lt;by step&gt;') && svg.includes('>step<') && svg.includes('>loss<'));
    assert.equal(await renderSvg(LINE), svg);
  });

  it('refuse a specification that names no mark', async () => {
    await assert.rejects(renderSvg({ data: { values: [] } } as unknown as TopLevelSpec));
  });
});
