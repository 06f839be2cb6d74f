// Proves: the picture of the dashboard holds each panel of its rows, its lines, and a rule at each swap.
import { strict as assert } from 'node:assert';
import { drawDashboard } from './dashboard-picture.js';
import { dashboard } from './panels.js';

describe('picture of the dashboard', () => {
  it('shows the panels of the rows that are asked for, with lines and swaps', async () => {
    const panel = dashboard.panels.find(({ title }) => title === 'Wait in the queue')!;
    const lines = new Map([[panel.id, [{ name: 'p<50>', points: [[0, 1] as const, [10, 2] as const] }]]]);
    const svg = await drawDashboard(dashboard, ['Latency'], { lines, swaps: [3, 7], seconds: 10 });
    for (const title of ['Latency', 'Wait in the queue', 'Between tokens', 'p&lt;50&gt;']) {
      assert.ok(svg.includes(`>${title}</text>`), title);
    }
    assert.ok(!svg.includes('Answers by outcome'), 'a row that was not asked for');
    assert.equal([...svg.matchAll(/stroke="#8b3fc7"/g)].length, 2);
    assert.equal([...svg.matchAll(/none in this time/g)].length, 5);
  });
});
