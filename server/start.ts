import type { Logger } from 'pino';
import { Admission } from './admission.js';
import { buildApp } from './app.js';
import { pipelineOptions, type Config } from './config.js';
import { AppError } from './errors.js';
import { FeedbackStore } from './feedback/store.js';
import { GitHubReceiver } from './github/receiver.js';
import { AgentChecker } from './inference/agent-checker.js';
import type { EngineInfo } from './inference/messages.js';
import { agentFilesIn } from './inference/release.js';
import { ReleaseProbe } from './inference/release-probe.js';
import { WorkerHost } from './inference/worker-host.js';
import { listen, type Listener } from './listener.js';
import { Metrics } from './metrics.js';
import { loadContract } from './openapi.js';
import { CanaryWatch } from './releases/canary-watch.js';
import { openStore } from './releases/open.js';
import { Publisher } from './releases/publisher.js';
import { ReleaseRegistry } from './releases/registry.js';
import { WatchedFolder } from './releases/watched-folder.js';
import { openTracing } from './telemetry/tracing.js';

/** A server that listens. */
export interface RunningServer {
  readonly url: string;
  /** Where the admin API is; the same unless ADMIN_PORT is set. */
  readonly adminUrl: string;
  /** Resolves when requests can be computed; rejects when the model cannot be loaded. */
  readonly ready: Promise<void>;
  /** Takes no new requests, lets running ones finish (at most DRAIN_TIMEOUT_MS), then frees everything. May be called twice. */
  close(): Promise<void>;
}

/**
 * Puts all parts together and listens; the model loads meanwhile. Rejects when the address cannot be used, and with StoreError
 * when the store of agents is damaged.
 */
export async function startServer(options: {
  config: Config;
  logger: Logger;
  workerFile?: URL;
}): Promise<RunningServer> {
  const { config, logger } = options;
  const metrics = new Metrics();
  metrics.capacity.set(config.workers);
  const contract = loadContract();
  const admission = new Admission({
    capacity: config.workers,
    maxWaiting: config.queueSize,
    maxWaitMs: config.queueTimeoutMs,
    onChange: ({ running, waiting }) => {
      metrics.running.set(running);
      metrics.waiting.set(waiting);
    },
  });
  const drained = new AbortController();
  const started = performance.now();
  const firstFiles = agentFilesIn(config.agentsDir);
  const opened = await openStore(config, firstFiles);
  const host = new WorkerHost({
    modelDir: config.modelDir,
    agents: opened?.files ?? firstFiles,
    workers: config.workers,
    threads: config.threads,
    options: pipelineOptions(config),
    ...(options.workerFile && { workerFile: options.workerFile }),
    onReady: (info) => {
      logger.info({ ...info, ms: Math.round(performance.now() - started) }, 'worker ready');
    },
    onRestart: (error) => {
      metrics.workerRestarts.inc();
      logger.error({ err: error }, 'worker stopped, restarting it');
    },
  });
  const giveUp = async (error: unknown): Promise<never> => {
    await host.close();
    await opened?.journal.close();
    throw error;
  };
  // Read while the model loads.
  const { folder } = config.feedback;
  const feedback = folder === '' ? undefined : await FeedbackStore.open(config.feedback).catch(giveUp);
  const tracing = await openTracing(config.otlpEndpoint);
  const registry = new ReleaseRegistry(host);
  const checker = new AgentChecker(config.modelDir);
  const publisher = opened && new Publisher({ ...opened, checker, registry, limits: config.agentLimits });
  const probe = config.probeRows
    ? new ReleaseProbe({
        modelDir: config.modelDir,
        rowsFile: config.probeRows,
        host,
        metrics: metrics.probe,
        onScored: (release, scores) => {
          logger.info({ release, scores }, 'release scored');
        },
        onFailure: (error) => {
          logger.error({ err: error }, 'probe failed');
        },
      })
    : undefined;
  const watch = new CanaryWatch(config.canary, (reason) => {
    const canary = registry.state?.canary;
    // Another change may be at work; the next request asks again.
    if (canary) publisher?.rollback('canary', canary.release.id, reason).catch(() => undefined);
  });
  publisher?.listen((event) => {
    if (event.type !== 'release') return;
    const { action, label, reason, state } = event.entry;
    watch.reset();
    metrics.releases.show(state);
    metrics.adapters.serve(state.stable);
    metrics.releases.changed(action);
    probe?.watch(state);
    logger.info({ action, label, reason, stable: state.stable, canary: state.canary }, 'release');
  });
  let watched: WatchedFolder | undefined;
  const begin = async (info: EngineInfo): Promise<void> => {
    if (publisher) await publisher.begin(info, opened.isNew ? opened.files : undefined);
    else registry.begin({ stable: info.release, canary: null, previous: [] });
    metrics.releases.show(registry.state!);
    metrics.adapters.serve(info.release);
    probe?.watch(registry.state!);
    if (publisher && config.agentsWatchDir !== '') {
      const { maxAgentBytes } = config.agentLimits;
      watched = await WatchedFolder.open({ folder: config.agentsWatchDir, maxAgentBytes, publisher, logger });
    }
  };
  const admin = publisher && { publisher, store: opened.store };
  const inference = { config, contract, host, admission, metrics, logger, registry, watch, drained: drained.signal };
  const github = GitHubReceiver.open({ ...inference, feedback });
  const deps = { ...inference, feedback, admin, github, tracing };
  const listeners: Listener[] = [];
  const { host: address, port, adminPort } = config;
  const ownPort = adminPort >= 0;
  try {
    const { maxBodyBytes } = config.limits;
    const app = buildApp(deps, { inference: true, admin: !ownPort });
    listeners.push(await listen(app, { host: address, port, maxBodyBytes }));
    if (ownPort) {
      const adminApp = buildApp(deps, { inference: false, admin: true });
      listeners.push(await listen(adminApp, { host: address, port: adminPort, maxBodyBytes }));
    }
  } catch (error) {
    await Promise.all(listeners.map((listener) => listener.close(Promise.resolve())));
    await feedback?.close();
    return giveUp(error);
  }

  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    const finish = async (): Promise<void> => {
      const idle = admission.close();
      const timer = setTimeout(() => {
        drained.abort(new AppError('shutting_down', 'The server shut down before the request was finished.'));
      }, config.drainTimeoutMs);
      await Promise.all([idle, github?.close()]);
      clearTimeout(timer);
      await watched?.close();
      await host.close();
      await checker.close();
      await probe?.close();
      await feedback?.close();
      await opened?.journal.close();
      await tracing.close();
    };
    const finished = finish();
    await Promise.all(listeners.map((listener) => listener.close(finished)));
  };
  return {
    url: listeners[0]!.url,
    adminUrl: listeners.at(-1)!.url,
    ready: host.started().then(begin),
    close: () => (closing ??= close()),
  };
}
