import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { Admission } from './admission.js';
import { buildApp } from './app.js';
import { pipelineOptions, type Config } from './config.js';
import { AppError } from './errors.js';
import { answerBrokenHttp } from './http-errors.js';
import { AgentChecker } from './inference/agent-checker.js';
import type { EngineInfo } from './inference/messages.js';
import { agentFilesIn } from './inference/release.js';
import { ReleaseProbe } from './inference/release-probe.js';
import { WorkerHost } from './inference/worker-host.js';
import { Metrics } from './metrics.js';
import { loadContract } from './openapi.js';
import { CanaryWatch } from './releases/canary-watch.js';
import { openStore } from './releases/open.js';
import { Publisher } from './releases/publisher.js';
import { ReleaseRegistry } from './releases/registry.js';

/** A server that listens. */
export interface RunningServer {
  readonly url: string;
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
    if (event.type === 'agent') return;
    const { action, label, reason, state } = event.entry;
    watch.reset();
    metrics.releases.show(state);
    metrics.releases.changed(action);
    probe?.watch(state);
    logger.info({ action, label, reason, stable: state.stable, canary: state.canary }, 'release');
  });
  const begin = async (info: EngineInfo): Promise<void> => {
    if (publisher) await publisher.begin(info, opened.isNew ? opened.files : undefined);
    else registry.begin({ stable: info.release, canary: null, previous: [] });
    metrics.releases.show(registry.state!);
    probe?.watch(registry.state!);
  };
  const admin = publisher && { publisher, store: opened.store };
  const app = buildApp({
    config,
    contract,
    host,
    admission,
    metrics,
    logger,
    registry,
    watch,
    admin,
    drained: drained.signal,
  });
  const server = createServer(app);
  answerBrokenHttp(server);
  refuseLargeBodiesUnread(server, config.limits.maxBodyBytes);
  try {
    await listen(server, config);
  } catch (error) {
    await host.close();
    await opened?.journal.close();
    throw error;
  }

  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    const idle = admission.close();
    const closed = new Promise<void>((resolve) => {
      server.close(() => {
        resolve();
      });
    });
    const timer = setTimeout(() => {
      drained.abort(new AppError('shutting_down', 'The server shut down before the request was finished.'));
    }, config.drainTimeoutMs);
    await idle;
    clearTimeout(timer);
    await host.close();
    await checker.close();
    await probe?.close();
    await opened?.journal.close();
    // Answers that are still on their way get a second; connections that are only kept alive get none.
    server.closeIdleConnections();
    const force = setTimeout(() => {
      server.closeAllConnections();
    }, 1000);
    await closed;
    clearTimeout(force);
  };
  return {
    url: urlOf(server.address() as AddressInfo),
    ready: host.started().then(begin),
    close: () => (closing ??= close()),
  };
}

function listen(server: Server, { host, port }: Config): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** A client that asks first (`Expect: 100-continue`) is told of a too large body before it sends it. */
function refuseLargeBodiesUnread(server: Server, maxBodyBytes: number): void {
  server.on('checkContinue', (request, response) => {
    if (Number(request.headers['content-length'] ?? 0) <= maxBodyBytes) response.writeContinue();
    server.emit('request', request, response);
  });
}

function urlOf({ address, family, port }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
