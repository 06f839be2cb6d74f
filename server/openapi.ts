import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import { packageRoot } from './config.js';
import type { ErrorDetail } from './errors.js';

/** The parts of openapi.yaml the server and its tests read. */
export interface OpenApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

/** One method of one path. */
export interface OpenApiOperation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> };
  readonly responses: Readonly<Record<string, unknown>>;
}

/** Faults of a value against a schema; empty when it fits. */
export type Check = (value: unknown) => readonly ErrorDetail[];

/** The document with compiled validators. */
export interface Contract {
  readonly document: OpenApiDocument;
  /** The path of the document that a request's path fits, `/v1/models/{model}` for `/v1/models/pipeline`; undefined if none. */
  templateOf(path: string): string | undefined;
  /** Upper-case methods of a request's path; HEAD goes with GET. */
  methodsOf(path: string): readonly string[];
  /** Check of an operation's JSON request body. */
  requestBody(operationId: string): Check;
  /** Check of any schema under `components/schemas`. */
  schema(name: string): Check;
}

const documentId = 'openapi.yaml';

/** Reads openapi.yaml and prepares its validators. Throws if the file or a schema is broken: the server must not start then. */
export function loadContract(file = join(packageRoot, 'openapi.yaml')): Contract {
  const document = parse(readFileSync(file, 'utf8')) as OpenApiDocument;
  const ajv = new Ajv2020({ allErrors: true, strict: false, formats: { uuid: /^[0-9a-f-]{36}$/ } });
  ajv.addSchema(document, documentId, false, false);

  const compiled = new Map<string, Check>();
  const check = (pointer: string): Check => {
    let found = compiled.get(pointer);
    if (!found) {
      const validate = ajv.getSchema(`${documentId}#${pointer}`);
      if (!validate) throw new Error(`openapi.yaml has nothing at ${pointer}`);
      found = checkWith(validate);
      compiled.set(pointer, found);
    }
    return found;
  };

  const templates = Object.keys(document.paths)
    .filter((path) => path.includes('{'))
    .map((path) => ({ path, pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`) }));
  const templateOf = (path: string): string | undefined =>
    Object.hasOwn(document.paths, path) ? path : templates.find(({ pattern }) => pattern.test(path))?.path;

  return {
    document,
    templateOf,
    methodsOf: (path) => {
      const methods = Object.keys(document.paths[templateOf(path) ?? ''] ?? {}).map((method) => method.toUpperCase());
      return methods.includes('GET') ? [...methods, 'HEAD'] : methods;
    },
    requestBody: (operationId) => {
      for (const [path, methods] of Object.entries(document.paths)) {
        for (const [method, operation] of Object.entries(methods)) {
          if (operation.operationId !== operationId) continue;
          return check(`/paths/${escapePointer(path)}/${method}/requestBody/content/application~1json/schema`);
        }
      }
      throw new Error(`openapi.yaml has no operation ${operationId}`);
    },
    schema: (name) => check(`/components/schemas/${name}`),
  };
}

function checkWith(validate: ValidateFunction): Check {
  return (value) => {
    if (validate(value)) return [];
    return details(validate.errors ?? []);
  };
}

/** Ajv's errors as a short list; the lines about `oneOf` itself add nothing to those of its branches. */
function details(errors: readonly ErrorObject[]): readonly ErrorDetail[] {
  const found = new Map<string, ErrorDetail>();
  for (const error of errors) {
    if (error.keyword === 'oneOf') continue;
    const detail = detailOf(error);
    found.set(`${detail.path} ${detail.message}`, detail);
  }
  return [...found.values()].slice(0, 20);
}

function detailOf(error: ErrorObject): ErrorDetail {
  const params = error.params as { additionalProperty?: string; missingProperty?: string; allowedValues?: unknown[] };
  if (params.additionalProperty !== undefined) {
    const name = escapePointer(params.additionalProperty.slice(0, 100));
    return { path: `${error.instancePath}/${name}`, message: 'is not a known field' };
  }
  if (params.missingProperty !== undefined) {
    return { path: `${error.instancePath}/${params.missingProperty}`, message: 'is missing' };
  }
  const allowed = params.allowedValues ? `: ${params.allowedValues.join(', ')}` : '';
  return { path: error.instancePath, message: `${error.message ?? 'is wrong'}${allowed}` };
}

function escapePointer(text: string): string {
  return text.replaceAll('~', '~0').replaceAll('/', '~1');
}
