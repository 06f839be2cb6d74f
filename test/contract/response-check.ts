import { strict as assert } from 'node:assert';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { contract } from '../server/helpers.js';

/** What openapi.yaml says of one answer of one operation. */
interface Documented {
  readonly headers?: Readonly<Record<string, unknown>>;
  /** Missing: the answer has no body. */
  readonly content?: Readonly<Record<string, { readonly schema: { readonly $ref?: string } }>>;
}

/** One answer that openapi.yaml documents. */
export interface DocumentedStatus {
  readonly operationId: string;
  readonly tags: readonly string[];
  /** Upper case. */
  readonly method: string;
  /** With its parameters in braces. */
  readonly path: string;
  readonly status: string;
}

/** Every status of every operation of openapi.yaml. */
export const documentedStatuses: readonly DocumentedStatus[] = Object.entries(contract.document.paths).flatMap(
  ([path, methods]) =>
    Object.entries(methods).flatMap(([method, { operationId, tags, responses }]) =>
      Object.keys(responses).map((status) => ({
        operationId,
        tags,
        method: method.toUpperCase(),
        path,
        status,
      })),
    ),
);

const ajv = new Ajv2020({ allErrors: true, strict: false, formats: { uuid: /^[0-9a-f-]{36}$/ } });
ajv.addSchema(contract.document, 'openapi.yaml', false, false);

function resolved(node: unknown): unknown {
  const { $ref } = node as { $ref?: string };
  if ($ref === undefined) return node;
  return $ref
    .slice(2)
    .split('/')
    .reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], contract.document);
}

/** Asserts that an answer has the status, a documented type, the documented headers of its kind, and a body of the schema. */
export async function checkResponse(documented: DocumentedStatus, response: Response): Promise<void> {
  const { path, method, status } = documented;
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false;
  // The stream of changes never ends by itself.
  const text = isStream ? '' : await response.text();
  if (isStream) await response.body?.cancel();
  assert.equal(String(response.status), status, text);
  const { responses } = contract.document.paths[path]![method.toLowerCase()]!;
  const { headers = {}, content } = resolved(responses[status]) as Documented;
  for (const name of Object.keys(headers)) {
    // Only where it is known when to try again.
    if (name === 'Retry-After' && response.headers.get(name) === null) continue;
    assert.ok(response.headers.get(name), `the header ${name}`);
  }
  if (content === undefined) {
    assert.equal(text, '');
    return;
  }
  const type = response.headers.get('content-type')?.split(';')[0] ?? '';
  assert.ok(type in content, `${type} is documented`);
  if (type !== 'application/json') return;
  const name = content[type]!.schema.$ref;
  assert.ok(name, 'the schema of an answer has a name');
  const validate = ajv.getSchema(`openapi.yaml${name}`);
  assert.ok(validate);
  assert.ok(validate(JSON.parse(text)), `${text}: ${ajv.errorsText(validate.errors)}`);
}
