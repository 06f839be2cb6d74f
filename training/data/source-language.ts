/** What mining knows of a language: which files are source code, how a line of comment begins. */
const PYTHON = /\.(?:py|pyi|pyx|pxd)$/i;
const HASH_EXTENSIONS = [
  'py',
  'pyi',
  'pyx',
  'pxd',
  'rb',
  'sh',
  'bash',
  'pl',
  'pm',
  'r',
  'ex',
  'exs',
  'jl',
  'nim',
  'cr',
];
const DASH_EXTENSIONS = ['lua', 'sql', 'hs', 'elm', 'adb'];
const SLASH_EXTENSIONS = [
  ...['c', 'h', 'cc', 'cpp', 'cxx', 'hh', 'hpp', 'm', 'mm', 'cs', 'java', 'kt', 'scala', 'groovy', 'swift', 'dart'],
  ...['go', 'rs', 'zig', 'v', 'php', 'js', 'jsx', 'mjs', 'cjs', 'ts', 'tsx', 'mts', 'cts', 'vue', 'svelte', 'sol'],
];

/** Patterns of git for all files that can be mined. */
export const SOURCE_PATHS = [...HASH_EXTENSIONS, ...DASH_EXTENSIONS, ...SLASH_EXTENSIONS].map((name) => `*.${name}`);

/** Folders of tests, documents, copies of other projects, generated code. */
const OTHER_FOLDER =
  /(?:^|\/)(?:\w*tests?|__tests__|specs?|testing|unittests?|docs?|documentation|examples?|samples?|demos?|tutorials?|benchmarks?|perf|asv_bench|migrations|locale|translations|_?vendor(?:ed)?|third_?party|_?externals?|extern|packages|bundled|dist|site-packages|typeshed|node_modules|fixtures|snippets|scripts\/release|tools\/release|\.github|\.ci|ci|release|po|data|templates|cookbook|recipes|notebooks|sphinxext|_sphinx|_pytest)\//i;
const OTHER_FILE =
  /(?:^|\/)(?:test_[^/]*|[^/]*[_.-](?:tests?|spec)|tests?|conftest|setup|versioneer|_?version|__about__|release|conf|changelog|ez_setup|noxfile|tasks|fabfile|[^/]*_pb2(?:_grpc)?|[^/]*\.(?:pb|min|d)|[^/]*_(?:data|tables?|generated)|mock\w*|unicode\w*|six|ordereddict|bench_\w+)\.\w+$/i;
/** `packages/` holds copies in a Python project and the sources themselves in one of JavaScript. */
const OWN_PACKAGES = /(?:^|\/)packages\/(?=.*\.[mc]?[jt]sx?$)/i;

/** Whether edits of this file are worth learning from: source code of the project itself. */
export function isOwnSource(path: string): boolean {
  return !OTHER_FOLDER.test(path.replace(OWN_PACKAGES, '/')) && !OTHER_FILE.test(path);
}

export function isPython(path: string): boolean {
  return PYTHON.test(path);
}

/** What begins a comment up to the end of the line. */
export function commentMark(path: string): '#' | '--' | '//' {
  const extension = path.slice(path.lastIndexOf('.') + 1).toLowerCase();
  if (HASH_EXTENSIONS.includes(extension)) return '#';
  return DASH_EXTENSIONS.includes(extension) ? '--' : '//';
}
