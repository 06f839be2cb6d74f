// Proves: image, compose file and manifests ask for what the server really has, and give it no more rights than it needs.
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { isInstalled } from '../helpers/installed.js';
import { packageRoot } from '../../server/config.js';
import { environmentSchema } from '../../server/environment-schema.js';
import { loadContract } from '../../server/openapi.js';

const read = (...names: string[]): string => readFileSync(join(packageRoot, ...names), 'utf8');

/** A path of keys and indices into parsed YAML. */
function at(value: unknown, ...keys: (string | number)[]): unknown {
  return keys.reduce((inner, key) => (inner as Record<string | number, unknown> | undefined)?.[key], value);
}

describe('Dockerfile', () => {
  const text = read('Dockerfile');
  const stages = text.split(/^(?=FROM )/m).slice(1);
  const final = stages.at(-1) ?? '';

  it('builds in one stage and runs in another, both Node 24 slim', () => {
    assert.deepEqual(
      stages.map((stage) => /^FROM (\S+)/.exec(stage)?.[1]),
      ['node:24-slim', 'node:24-slim'],
    );
    assert.doesNotMatch(final, /npm |COPY \. /);
  });

  it('keeps only the runtime library of its own platform and no development packages', () => {
    assert.match(stages[0]!, /npm prune --omit=dev/);
    assert.match(stages[0]!, /! -name "\$platform" -exec rm/);
    assert.match(stages[0]!, /! -name "\$arch" -exec rm/);
  });

  it('runs as a user that is not root, says how to tell its health, and writes to one volume only', () => {
    const user = /^USER (\d+):(\d+)$/m.exec(final);
    assert.ok(user && Number(user[1]) > 0 && Number(user[2]) > 0);
    assert.match(final, /^HEALTHCHECK .*\n.*\/ready/m);
    assert.deepEqual(final.match(/^VOLUME .*$/gm), ['VOLUME /data']);
    assert.match(final, /STORE_DIR=\/data\/store/);
  });

  it('has nothing that hadolint finds', function () {
    if (!isInstalled('hadolint')) this.skip();
    execFileSync('hadolint', ['--no-color', 'Dockerfile'], { cwd: packageRoot, encoding: 'utf8' });
  });

  it('copies what is there', () => {
    const ignored = read('.dockerignore').split('\n');
    for (const [, source] of final.matchAll(/^COPY (?!--from)(\S+) /gm)) {
      assert.ok(!ignored.includes(source!.split('/')[0]!), source);
      // The weights are added after the checkout.
      if (!/^(?:model|adapters)\//.test(source!)) assert.ok(existsSync(join(packageRoot, source!)), source);
    }
    for (const [, folder] of final.matchAll(/^COPY --from=build \/app\/dist\/(\S+) /gm)) {
      assert.ok(existsSync(join(packageRoot, folder!)), folder);
    }
  });

  it('sets only variables that the server reads', () => {
    for (const [, name = ''] of (/^ENV (.*)$/m.exec(final)?.[1] ?? '').matchAll(/(\w+)=/g)) {
      assert.ok(name === 'NODE_ENV' || name in environmentSchema.properties, name);
    }
  });
});

describe('compose.yaml', () => {
  const compose: unknown = parse(read('deploy', 'compose.yaml'));
  const server = at(compose, 'services', 'server');

  it('runs the server read-only, without capabilities, on this machine only', () => {
    assert.equal(at(server, 'read_only'), true);
    assert.deepEqual(at(server, 'cap_drop'), ['ALL']);
    for (const service of Object.values(at(compose, 'services') as object)) {
      for (const port of (at(service, 'ports') ?? []) as string[]) assert.match(port, /^127\.0\.0\.1:/);
    }
    assert.deepEqual(at(server, 'volumes'), ['store:/data']);
  });

  it('sets only variables that the server reads', () => {
    for (const name of Object.keys(at(server, 'environment') as object)) {
      assert.ok(name in environmentSchema.properties, name);
    }
    assert.match(at(server, 'environment', 'FEEDBACK_DIR') as string, /^\/data\//);
  });

  it('mounts what is there, and Prometheus finds server and rules', () => {
    for (const service of ['prometheus', 'grafana']) {
      for (const volume of at(compose, 'services', service, 'volumes') as string[]) {
        const [source = ''] = volume.split(':');
        if (source.startsWith('.')) assert.ok(existsSync(join(packageRoot, 'deploy', source)), source);
        else assert.ok(source in (at(compose, 'volumes') as object), source);
      }
    }
    const prometheus: unknown = parse(read('deploy', 'prometheus', 'prometheus.yaml'));
    assert.deepEqual(at(prometheus, 'scrape_configs', 0, 'static_configs', 0, 'targets'), ['server:8080']);
    for (const file of at(prometheus, 'rule_files') as string[]) {
      assert.ok(existsSync(join(packageRoot, 'deploy', 'prometheus', file)), file);
    }
  });
});

describe('Kubernetes manifests', () => {
  const folder = join(packageRoot, 'deploy', 'kubernetes');
  const kustomization: unknown = parse(read('deploy', 'kubernetes', 'kustomization.yaml'));
  const resources = (at(kustomization, 'resources') as string[]).flatMap((name) =>
    parseAllDocuments(readFileSync(join(folder, name), 'utf8')).map((document) => document.toJS() as unknown),
  );
  const ofKind = (kind: string): unknown => resources.find((resource) => at(resource, 'kind') === kind);
  const set = ofKind('StatefulSet');
  const pod = at(set, 'spec', 'template', 'spec');
  const container = at(pod, 'containers', 0);

  it('are all listed', () => {
    const listed = [...(at(kustomization, 'resources') as string[]), 'kustomization.yaml', 'adapter-rules.yaml'];
    assert.deepEqual(readdirSync(folder).sort(), listed.sort());
  });

  it('give the server a read-only root, no privileges, and a volume of its own for the releases', () => {
    assert.equal(at(pod, 'securityContext', 'runAsNonRoot'), true);
    assert.equal(at(container, 'securityContext', 'readOnlyRootFilesystem'), true);
    assert.equal(at(container, 'securityContext', 'allowPrivilegeEscalation'), false);
    const mounts = at(container, 'volumeMounts') as { name: string; mountPath: string }[];
    assert.equal(mounts.find(({ mountPath }) => mountPath === '/data')?.name, 'store');
    assert.equal(at(set, 'spec', 'volumeClaimTemplates', 0, 'metadata', 'name'), 'store');
    const volumes = [...(at(pod, 'volumes') as { name: string }[]).map(({ name }) => name), 'store'];
    assert.deepEqual(mounts.map(({ name }) => name).sort(), volumes.sort());
  });

  it('ask paths that the server has; only the main thread decides over life', () => {
    const { paths } = loadContract().document;
    const pathOf = (probe: string): unknown => at(container, probe, 'httpGet', 'path');
    assert.deepEqual(
      [pathOf('startupProbe'), pathOf('readinessProbe'), pathOf('livenessProbe')],
      ['/ready', '/ready', '/health'],
    );
    const scraped = at(ofKind('PodMonitor'), 'spec', 'podMetricsEndpoints', 0, 'path') as string;
    for (const path of ['/ready', '/health', scraped]) assert.ok(path in paths, path);
  });

  it('give the running requests time to end', () => {
    const graceSeconds = at(pod, 'terminationGracePeriodSeconds') as number;
    assert.ok(graceSeconds * 1000 > environmentSchema.properties.DRAIN_TIMEOUT_MS.default);
  });

  it('set only variables that the server reads', () => {
    const variables = at(container, 'env') as { name: string; value: string }[];
    for (const { name } of variables) assert.ok(name in environmentSchema.properties, name);
    assert.match(variables.find(({ name }) => name === 'FEEDBACK_DIR')?.value ?? '', /^\/data\//);
  });

  it('select the pods they make', () => {
    const labels = at(set, 'spec', 'template', 'metadata', 'labels');
    for (const resource of resources) {
      const selector = at(resource, 'spec', 'selector');
      if (selector !== undefined) assert.deepEqual(at(selector, 'matchLabels') ?? selector, labels);
    }
    const names = resources
      .filter((resource) => at(resource, 'kind') === 'Service')
      .map((one) => at(one, 'metadata', 'name'));
    assert.ok(names.includes(at(set, 'spec', 'serviceName')));
  });

  it('scale by a wait that the adapter makes of the server’s queue times', () => {
    const autoscaler = ofKind('HorizontalPodAutoscaler');
    assert.equal(at(autoscaler, 'spec', 'scaleTargetRef', 'name'), at(set, 'metadata', 'name'));
    const rule = at(parse(read('deploy', 'kubernetes', 'adapter-rules.yaml')), 'rules', 'custom', 0);
    assert.equal(at(autoscaler, 'spec', 'metrics', 0, 'pods', 'metric', 'name'), at(rule, 'name', 'as'));
    assert.match(at(rule, 'seriesQuery') as string, /^agentic_request_queue_time_seconds_bucket\{/);
  });
});
