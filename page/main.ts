import type { Settings } from './answers.js';
import { askJson } from './api.js';
import { byId } from './elements.js';
import { showFailure } from './failure.js';
import { mountMetrics } from './metrics-view.js';
import { mountPatches } from './patch-view.js';
import { mountReleases } from './releases-view.js';
import { mountTabs } from './tabs.js';

/** Reads what the server allows, then brings both views to life. */
async function start(): Promise<void> {
  const settings = await askJson<Settings>('/page/settings.json');
  mountPatches(settings);
  const metrics = mountMetrics();
  mountReleases(settings);
  mountTabs(byId('tabs', HTMLElement), (panel) => {
    if (panel === 'panel-serving') metrics.start();
    else metrics.stop();
  });
}

start().catch((error: unknown) => {
  showFailure(byId('patch-error', HTMLElement), error);
});
