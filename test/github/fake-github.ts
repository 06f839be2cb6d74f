import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

interface Entry {
  readonly mode: string;
  readonly sha: string;
}

interface Comment {
  readonly id: number;
  body: string;
  readonly user: { readonly type: string };
}

interface Pull {
  readonly number: number;
  readonly head: string;
  readonly base: string;
  readonly title: string;
  readonly body: string;
  readonly draft: boolean;
  state: string;
}

/** A call, and how many went before it. */
interface Call {
  readonly method: string;
  readonly path: string;
}

interface Fault {
  readonly method: string;
  readonly path: RegExp;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  left: number;
  /** The call does what it does and only its answer is lost. */
  readonly isAfterwards: boolean;
}

interface Answer {
  readonly status: number;
  readonly data?: unknown;
}

/** Fields of the bodies that are sent; each route has some of them. */
interface Body {
  readonly content: string;
  readonly base_tree: string;
  readonly tree: readonly { readonly path: string; readonly mode: string; readonly sha: string }[];
  readonly ref: string;
  readonly sha: string;
  readonly head: string;
  readonly body: string;
}

/** The part of GitHub's REST API that is used, of one repository `acme/shop`, with a history of real shape: blobs, trees, commits, refs. */
export class FakeGitHub {
  token = 'first-token';
  readonly calls: Call[] = [];
  readonly comments: Comment[] = [];
  readonly pulls: Pull[] = [];
  readonly refs = new Map<string, string>();
  readonly #blobs = new Map<string, Buffer>();
  readonly #trees = new Map<string, Map<string, Entry>>();
  readonly #commits = new Map<
    string,
    { readonly tree: string; readonly parents: string[]; readonly message: string }
  >();
  readonly #faults: Fault[] = [];
  readonly #held: RegExp[] = [];
  #onCall: () => void = () => undefined;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      void (async () => {
        const body = JSON.parse((await text(request)) || '{}') as Body;
        const path = decodeURIComponent((request.url ?? '').split('?')[0]!);
        const method = request.method ?? '';
        this.calls.push({ method, path });
        this.#onCall();
        if (this.#held.some((held) => held.test(path))) return;
        const fault = this.#faults.find((one) => one.left > 0 && one.method === method && one.path.test(path));
        if (fault) fault.left -= 1;
        if (fault?.isAfterwards) this.#answer(request, method, path, body);
        const { status, data } = fault ? { status: fault.status, data: {} } : this.#answer(request, method, path, body);
        response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...fault?.headers });
        response.end(JSON.stringify(data ?? { message: 'No.' }));
      })();
    });
  }

  static async listen(): Promise<FakeGitHub> {
    const fake = new FakeGitHub();
    await new Promise<void>((resolve) => fake.#server.listen(0, '127.0.0.1', resolve));
    return fake;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/api/v3`;
  }

  /** Makes the files the newest commit of a branch. */
  push(
    files: Readonly<Record<string, string | Buffer>>,
    modes: Readonly<Record<string, string>> = {},
    branch = 'main',
  ): string {
    const entries = Object.entries(files).map(([path, content]): [string, Entry] => [
      path,
      { mode: modes[path] ?? '100644', sha: this.#blob(Buffer.from(content)) },
    ]);
    const sha = this.#commit({ tree: this.#tree(new Map(entries)), parents: [], message: 'files' });
    this.refs.set(`heads/${branch}`, sha);
    return sha;
  }

  /** The files that a branch holds. */
  at(branch: string): { files: Record<string, { mode: string; content: string }>; message: string; parents: string[] } {
    const { tree, message, parents } = this.#commits.get(this.refs.get(`heads/${branch}`)!)!;
    const files = [...this.#trees.get(tree)!].map(([path, { mode, sha }]) => [
      path,
      { mode, content: this.#blobs.get(sha)!.toString() },
    ]);
    return { files: Object.fromEntries(files) as never, message, parents };
  }

  /** The next `times` such calls are answered with a status. */
  fail(
    method: string,
    path: RegExp,
    status: number,
    options: Partial<Pick<Fault, 'headers' | 'isAfterwards'>> & { readonly times?: number } = {},
  ): void {
    const { times = 1, headers = { 'retry-after': '0' }, isAfterwards = false } = options;
    this.#faults.push({ method, path, status, headers, left: times, isAfterwards });
  }

  /** Such calls get no answer. */
  hold(path: RegExp): void {
    this.#held.push(path);
  }

  count(method: string, path: RegExp): number {
    return this.calls.filter((call) => call.method === method && path.test(call.path)).length;
  }

  /** Waits for a call. */
  async called(method: string, path: RegExp): Promise<void> {
    while (this.count(method, path) === 0) await new Promise<void>((resolve) => (this.#onCall = resolve));
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #blob(content: Buffer): string {
    const sha = createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');
    this.#blobs.set(sha, content);
    return sha;
  }

  #tree(entries: Map<string, Entry>): string {
    const sha = createHash('sha1')
      .update(JSON.stringify([...entries]))
      .digest('hex');
    this.#trees.set(sha, entries);
    return sha;
  }

  #commit(commit: { tree: string; parents: string[]; message: string }): string {
    const sha = createHash('sha1').update(JSON.stringify(commit)).digest('hex');
    this.#commits.set(sha, commit);
    return sha;
  }

  #answer(request: IncomingMessage, method: string, path: string, body: Body): Answer {
    if (request.headers.authorization !== `Bearer ${this.token}`) return { status: 401 };
    const prefix = '/api/v3/repos/acme/shop/';
    if (!path.startsWith(prefix)) return { status: 404 };
    const [route, rest] = [`${method} ${path.slice(prefix.length)}`, path.split('/').slice(8).join('/')];
    const is = (pattern: RegExp): boolean => pattern.test(route);
    if (is(/^GET git\/ref\//)) {
      const sha = this.refs.get(rest);
      return sha === undefined ? { status: 404 } : { status: 200, data: { object: { sha } } };
    }
    if (is(/^GET git\/commits\//)) return { status: 200, data: { tree: { sha: this.#commits.get(rest)!.tree } } };
    if (is(/^GET git\/trees\//)) {
      const tree = [...this.#trees.get(rest)!].map(([name, { mode, sha }]) => {
        const size = this.#blobs.get(sha)!.length;
        return { path: name, mode, type: 'blob', sha, size };
      });
      return { status: 200, data: { tree: [{ path: 'shop', mode: '040000', type: 'tree', sha: rest }, ...tree] } };
    }
    if (is(/^GET git\/blobs\//)) {
      const content = this.#blobs.get(rest);
      // With line breaks, as GitHub sends it.
      const lines = content
        ?.toString('base64')
        .match(/.{1,60}/g)
        ?.join('\n');
      return content ? { status: 200, data: { content: lines ?? '', encoding: 'base64' } } : { status: 404 };
    }
    return this.#write(request, route, rest, body);
  }

  #write(request: IncomingMessage, route: string, rest: string, body: Body): Answer {
    const is = (pattern: RegExp): boolean => pattern.test(route);
    if (is(/^POST git\/blobs$/)) return { status: 201, data: { sha: this.#blob(Buffer.from(body.content, 'base64')) } };
    if (is(/^POST git\/trees$/)) {
      const entries = new Map(this.#trees.get(body.base_tree));
      for (const { path, mode, sha } of body.tree) {
        entries.set(path, { mode, sha });
      }
      return { status: 201, data: { sha: this.#tree(entries) } };
    }
    if (is(/^POST git\/commits$/)) return { status: 201, data: { sha: this.#commit(body as never) } };
    if (is(/^POST git\/refs$/)) {
      const name = body.ref.replace('refs/', '');
      if (this.refs.has(name)) return { status: 422, data: { message: 'Reference already exists' } };
      this.refs.set(name, body.sha);
      return { status: 201, data: {} };
    }
    if (is(/^PATCH git\/refs\//)) {
      this.refs.set(rest, body.sha);
      return { status: 200, data: {} };
    }
    if (is(/^GET pulls$/)) {
      const head = new URL(request.url ?? '', this.url).searchParams.get('head');
      return { status: 200, data: this.pulls.filter((pull) => pull.state === 'open' && `acme:${pull.head}` === head) };
    }
    if (is(/^POST pulls$/)) {
      if (this.pulls.some(({ head, state }) => head === body.head && state === 'open')) return { status: 422 };
      this.pulls.push({ ...(body as unknown as Pull), number: this.pulls.length + 50, state: 'open' });
      return { status: 201, data: {} };
    }
    if (is(/^GET issues\/\d+\/comments$/)) return { status: 200, data: this.comments };
    if (is(/^POST issues\/\d+\/comments$/)) {
      this.comments.push({ id: this.comments.length + 1, body: body.body, user: { type: 'Bot' } });
      return { status: 201, data: {} };
    }
    if (is(/^PATCH issues\/comments\/\d+$/)) {
      const comment = this.comments.find(({ id }) => route.endsWith(`/${id}`));
      if (comment) comment.body = body.body;
      return { status: comment ? 200 : 404, data: {} };
    }
    return { status: 404 };
  }
}
