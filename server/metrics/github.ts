import { Counter, type Registry } from 'prom-client';
import { prefix } from './names.js';

/** What came from GitHub and what became of it. */
export class GitHubMetrics {
  readonly deliveries;
  readonly jobs;

  constructor(registry: Registry) {
    const registers = [registry];
    this.deliveries = new Counter({
      name: `${prefix}github_deliveries_total`,
      help: 'Signed deliveries of the webhook of GitHub, by event (others are other) and what is done with them.',
      labelNames: ['event', 'outcome'] as const,
      registers,
    });
    this.jobs = new Counter({
      name: `${prefix}github_jobs_total`,
      help: 'Accepted deliveries by how they ended: what was written on GitHub or kept, or the code of a failure.',
      labelNames: ['outcome'] as const,
      registers,
    });
    for (const outcome of ['comment', 'draft_pull_request', 'kept', 'feedback']) this.jobs.inc({ outcome }, 0);
    for (const outcome of ['accepted', 'duplicate', 'ignored']) {
      this.deliveries.inc({ event: 'issues', outcome }, 0);
      this.deliveries.inc({ event: 'pull_request', outcome }, 0);
    }
  }
}
