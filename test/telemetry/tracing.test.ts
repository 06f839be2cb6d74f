// Proves: with an OTLP endpoint a request becomes spans with the names of the semantic conventions, in the trace that its client
// began, without its text; a dead endpoint is not noticed; without one nothing of OpenTelemetry is loaded.
import { strict as assert } from 'node:assert';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../../server/config.js';
import { TINY_DIRECTORY } from '../helpers/tiny.js';
import { ServerProcess } from '../server/server-process.js';
import { OtlpCollector, type ReceivedSpan } from './otlp-collector.js';

const tiny = { MODEL_DIR: TINY_DIRECTORY, AGENTS_DIR: TINY_DIRECTORY, ABSTAIN_BELOW: '0', THREADS: '1' };
const secret = 'zanzibar4711';
const body = {
  issue: `${secret} is wrong`,
  files: [{ path: `${secret}.py`, content: `def ${secret}(x):\n    return x\n` }],
  seed: 7,
  max_new_tokens: 16,
};
const SERVER_KIND = 2;
const ERROR = 2;

const servers: ServerProcess[] = [];
async function start(environment: Readonly<Record<string, string>>): Promise<ServerProcess> {
  const server = new ServerProcess({ ...tiny, ...environment });
  servers.push(server);
  await server.logged('ready');
  return server;
}

describe('tracing', () => {
  after(() => Promise.all(servers.map((server) => server.stop('SIGKILL'))));

  describe('with an endpoint', () => {
    let collector: OtlpCollector;
    let server: ServerProcess;
    before(async () => {
      collector = await OtlpCollector.listen();
      server = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/` });
    });
    after(() => {
      collector.close();
    });
    const served = (path: string, status: number) => (span: ReceivedSpan) =>
      span.attributes['http.route'] === path && span.attributes['http.response.status_code'] === status;

    it('goes on with the trace of the client: server, queue, generation and each stage', async () => {
      const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
      const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
      const response = await server.post(body, { headers: { 'content-type': 'application/json', traceparent } });
      const answer = (await response.json()) as {
        id: string;
        release: { id: string };
        usage: Record<'source_tokens' | 'analysis_tokens' | 'patch_tokens', number>;
      };
      const { span, trace } = await collector.until(served('/v1/patches', 200));
      assert.deepEqual(
        [span.name, span.kind, span.traceId, span.parentSpanId],
        ['POST /v1/patches', SERVER_KIND, traceId, '00f067aa0ba902b7'],
      );
      assert.equal(span.attributes['agentic.request.id'], answer.id);
      const children = trace.filter(({ parentSpanId }) => parentSpanId === span.spanId);
      assert.deepEqual(children.map(({ name }) => name).sort(), ['generate_content pipeline', 'queue']);
      const generation = children.find(({ name }) => name !== 'queue')!;
      const { source_tokens, analysis_tokens, patch_tokens } = answer.usage;
      assert.deepEqual(generation.attributes, {
        'gen_ai.operation.name': 'generate_content',
        'gen_ai.provider.name': 'agentic-seq2seq',
        'gen_ai.request.model': 'pipeline',
        'gen_ai.request.seed': 7,
        'gen_ai.request.max_tokens': 16,
        'gen_ai.usage.input_tokens': source_tokens,
        'gen_ai.usage.output_tokens': analysis_tokens + patch_tokens,
        'agentic.release': answer.release.id,
        'agentic.label': 'stable',
        'agentic.status': (answer as unknown as { status: string }).status,
      });
      const stages = trace.filter(({ parentSpanId }) => parentSpanId === generation.spanId).map(({ name }) => name);
      assert.deepEqual([...new Set(stages)], ['retrieval', 'encode', 'analysis', 'code', 'ranking']);
      assert.equal(trace.length, 3 + stages.length);
    });

    it('a completion is a text_completion, a chat a chat', async () => {
      const ask = (path: string, content: object): Promise<Response> =>
        fetch(`${server.url}${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(content),
        });
      await ask('/v1/completions', { model: 'backbone', prompt: secret, max_tokens: 4 });
      const messages = [{ role: 'user', content: secret }];
      await ask('/v1/chat/completions', { model: 'backbone:issue-analysis', messages, max_tokens: 4 });
      const { span } = await collector.until(({ name }) => name === 'text_completion backbone');
      assert.ok(Number(span.attributes['gen_ai.usage.input_tokens']) > 0);
      await collector.until(({ name }) => name === 'chat backbone:issue-analysis');
    });

    it('names what went wrong, and leaves probes out', async () => {
      await fetch(`${server.url}/health`);
      await server.post({});
      const { span } = await collector.until(served('/v1/patches', 422));
      assert.deepEqual([span.attributes['error.type'], span.status.code], ['invalid_request', ERROR]);
      assert.ok(!collector.spans.some(({ name }) => name.includes('health')));
    });

    it('sends what is left when it stops, and never a text', async () => {
      await server.post({ ...body, seed: 8 });
      assert.equal(await server.stop(), 0);
      assert.ok(collector.spans.some(({ attributes }) => attributes['gen_ai.request.seed'] === 8));
      assert.ok(!collector.raw.includes(secret));
      assert.equal(server.stderr, '');
    });
  });

  describe('with a dead endpoint', () => {
    it('that refuses: requests are answered, the end is clean', async () => {
      const gone = createServer();
      await new Promise<void>((resolve) => gone.listen(0, '127.0.0.1', resolve));
      const { port } = gone.address() as AddressInfo;
      await new Promise((resolve) => gone.close(resolve));
      const server = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` });
      assert.equal((await server.post(body)).status, 200);
      assert.equal(await server.stop(), 0);
      assert.equal(server.stderr, '');
    });

    it('that never answers: the same', async () => {
      const mute = await OtlpCollector.listen(true);
      const server = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: mute.url });
      const { asked } = mute;
      assert.equal((await server.post(body)).status, 200);
      await asked;
      // It hangs in the middle of its export now.
      assert.equal((await server.post(body)).status, 200);
      assert.equal(await server.stop(), 0);
      mute.close();
    });
  });

  describe('modules', () => {
    let folder: string;
    before(() => (folder = mkdtempSync(join(tmpdir(), 'modules-'))));
    after(() => {
      rmSync(folder, { recursive: true });
    });
    /** Those of OpenTelemetry that a server loaded from its start to its end, one request in between. */
    const loaded = async (endpoint: string): Promise<string[]> => {
      const file = join(folder, endpoint === '' ? 'without' : 'with');
      const hook = pathToFileURL(join(packageRoot, 'dist', 'test', 'telemetry', 'list-modules.js')).href;
      const server = await start({
        OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
        MODULES_FILE: file,
        NODE_OPTIONS: `--import ${hook}`,
      });
      assert.equal((await server.post(body)).status, 200);
      assert.equal(await server.stop(), 0);
      const modules = readFileSync(file, 'utf8').split('\n');
      // The list is whole: modules that are imported and ones that are required.
      for (const name of ['/dist/server/app.js', '/node_modules/express/lib/express.js']) {
        assert.ok(
          modules.some((module) => module.endsWith(name)),
          name,
        );
      }
      // The API alone – interfaces and what does nothing – belongs to prom-client, which requires it for its exemplars.
      return modules.filter((module) => /@opentelemetry\/(?!api\/)|open-telemetry/.test(module));
    };

    it('of OpenTelemetry are loaded with an endpoint only', async () => {
      assert.deepEqual(await loaded(''), []);
      const collector = await OtlpCollector.listen();
      assert.ok((await loaded(collector.url)).length > 10);
      collector.close();
    });
  });
});
