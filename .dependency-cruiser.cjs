/** Who may import whom. One way only: cli, server → pipeline → model; adapters → model. */
const layer = (name, comment, from, to) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { path: to },
});

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    layer(
      'platform-knows-nothing',
      'what the system lacks and every folder may use: whole files, numbers of a command line',
      '^platform/',
      '^(agents|model|adapters|pipeline|server|cli|training|bench|test)/',
    ),
    layer(
      'declarations-know-nothing',
      'which agents and chains there are is known to every folder, so it needs none',
      '^agents/',
      '^(?!agents/)',
    ),
    layer(
      'page-is-a-client',
      'the page runs in browsers and knows the HTTP contract alone',
      '^page/',
      '^(platform|agents|model|adapters|pipeline|server|cli|training|bench|test)/|node_modules',
    ),
    layer(
      'page-stays-in-browsers',
      'its modules are served as files, never imported by what runs in Node',
      '^(platform|agents|model|adapters|pipeline|server|cli|training|bench|test)/',
      '^page/',
    ),
    layer(
      'model-is-the-ground',
      'model/ knows nothing above it',
      '^model/',
      '^(agents|server|pipeline|adapters|cli|training|bench|test)/',
    ),
    layer(
      'adapters-know-the-model-only',
      'agent files are read without a pipeline',
      '^adapters/',
      '^(server|pipeline|cli|training|bench|test)/',
    ),
    layer(
      'pipeline-knows-no-http',
      'the pipeline runs without server and clients',
      '^pipeline/',
      '^(server|cli|training|bench|test)/',
    ),
    layer(
      'server-knows-no-client',
      'the server runs without the command line',
      '^server/',
      '^(cli|training|bench|test)/',
    ),
    layer(
      'cli-goes-through-the-pipeline',
      'the client has no business with graphs',
      '^cli/',
      '^(model|training|bench|test)/',
    ),
    {
      name: 'training-knows-no-http',
      comment:
        'training runs without server and clients; evaluation, benchmark, ranking and loop are programs on top of what is served',
      severity: 'error',
      from: { path: '^training/', pathNot: '^training/(evaluation/|benchmark/|ranking/|loop/|finetune/trial\\.ts$)' },
      to: { path: '^(server|cli|test)/' },
    },
    {
      name: 'candidates-are-tried-as-served',
      comment: 'the gate loads a candidate in the thread in which the server checks agents; nothing more',
      severity: 'error',
      from: { path: '^training/finetune/trial\\.ts$' },
      to: { path: '^(server|cli|test)/', pathNot: '^server/(errors|inference/agent-checker)\\.ts$' },
    },
    {
      name: 'loop-is-a-client',
      comment: 'it trains in a process of its own and speaks to a server as any client does',
      severity: 'error',
      from: { path: '^training/loop/' },
      to: {
        path: '^(server|cli|test)/',
        pathNot: '^(server/(config|request-checks)|cli/(admin-api|client|exit-codes))\\.ts$',
      },
    },
    {
      name: 'evaluation-without-http',
      comment: 'they load the engine as the worker does, and try patches as the client does; nothing more',
      severity: 'error',
      from: { path: '^training/(evaluation|benchmark|ranking)/' },
      to: {
        path: '^(server|cli|test)/',
        pathNot: '^(server/(config|inference/engine)|cli/(cases|git|limited-process|scratch-copy))\\.ts$',
      },
    },
    layer('no-tests-in-the-product', 'only tests import tests', '^(?!test/)', '^test/'),
    {
      name: 'only-the-engine-loads-models',
      comment: 'inside server/ only the worker threads load the model; everything else talks to it by messages',
      severity: 'error',
      from: {
        path: '^server/',
        pathNot: '^server/inference/(engine|worker|check-worker|probe-worker|agent-shelf|warm-up|stop-flag)\\.ts$',
      },
      to: { path: '^(model|adapters)/' },
    },
    {
      name: 'only-the-worker-runs-the-pipeline',
      comment:
        'a graph run blocks its thread, so the main thread takes types from pipeline/ and, for issues of GitHub, the search over names of files, which runs no graph',
      severity: 'error',
      from: {
        path: '^server/',
        pathNot: '^server/inference/(engine|worker|check-worker|probe-worker|agent-shelf|warm-up|stop-flag)\\.ts$',
      },
      to: { path: '^pipeline/', pathNot: '^pipeline/(types|path-search)\\.ts$' },
    },
    {
      name: 'one-runtime',
      comment: 'only model/onnx.ts imports onnxruntime-node, so the runtime can be changed in one place',
      severity: 'error',
      from: { pathNot: '^(model/onnx\\.ts$|test/)' },
      to: { path: 'node_modules/onnxruntime-node' },
    },
    {
      name: 'traces-from-one-place',
      comment:
        'OpenTelemetry is loaded by the one module that is imported when there is an endpoint, so without one nothing of it is',
      severity: 'error',
      from: { pathNot: '^server/telemetry/open-telemetry\\.ts$' },
      to: { path: 'node_modules/@opentelemetry/' },
    },
    {
      name: 'traces-only-when-wanted',
      comment: 'whatever imported it in the ordinary way would load OpenTelemetry always',
      severity: 'error',
      from: {},
      to: { path: '^server/telemetry/open-telemetry\\.ts$', dependencyTypesNot: ['dynamic-import'] },
    },
    {
      name: 'github-from-one-place',
      comment: 'server and command line speak to GitHub by the same module',
      severity: 'error',
      from: { pathNot: '^server/(github/|routes/github[.]ts$)' },
      to: { path: 'node_modules/@octokit/' },
    },
    {
      name: 'http-stays-in-the-server',
      severity: 'error',
      from: { pathNot: '^(server|test)/' },
      to: { path: 'node_modules/(express|prom-client|pino)/' },
    },
    {
      name: 'not-in-package-json',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'not-resolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-development-packages-in-the-product',
      severity: 'error',
      from: { path: '^(platform|agents|server|pipeline|model|adapters|cli|training)/' },
      to: { dependencyTypes: ['npm-dev'], pathNot: 'node_modules/@types/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|\\.work)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
