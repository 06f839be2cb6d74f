import { pathFault } from './request-checks.js';

const sourceCode =
  /\.(?:py|pyi|pyx|js|jsx|mjs|cjs|ts|tsx|mts|cts|java|kt|kts|scala|go|rs|rb|php|c|h|cc|cpp|cxx|hpp|hh|cs|swift|m|lua|pl|pm|r|jl|ex|exs|erl|hs|clj|dart|sh|bash|sql|vue|svelte)$/i;
const vendored =
  /(?:^|\/)(?:node_modules|bower_components|vendor|vendored|_vendor|third_party|thirdparty|site-packages|dist|build|target|out|coverage|__pycache__|venv|env|eggs)(?:\/|$)/i;
const generated = /(?:\.min\.(?:js|css)|\.bundle\.js|_pb2(?:_grpc)?\.pyi?|\.pb\.go|\.generated\.\w+)$/i;
const tests =
  /(?:^|\/)(?:tests?|testing|__tests__|spec)\/|(?:^|\/)(?:test_[^/]*|conftest)\.py$|(?:_test|\.test|\.spec)\.\w+$/i;

/** Whether a path is worth reading by its name. */
export function isCandidate(path: string, includeTests: boolean): boolean {
  if (!sourceCode.test(path) || generated.test(path) || vendored.test(path)) return false;
  if (!includeTests && tests.test(path)) return false;
  return pathFault(path) === undefined;
}

/** Whether a path leads to code of others or to what was built. */
export function isVendored(path: string): boolean {
  return vendored.test(path);
}
