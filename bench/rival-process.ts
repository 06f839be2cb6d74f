/**
 * The rival in a process of its own: llama.cpp through node-llama-cpp's native module, without its conveniences.
 * Reads one command a line, writes one answer a line. Arguments: package entry, GGUF, threads, longest context, sequences.
 */
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { createRandom } from '../model/random.js';
import { timed } from './timing.js';
import type { RivalCommand, RivalReply } from './rival.js';

/** What is used of node-llama-cpp; its own types are only there where it is installed. */
interface NativeContext {
  init(): Promise<boolean>;
  initBatch(tokens: number): void;
  addToBatch(sequence: number, position: number, tokens: Uint32Array, logits: Uint32Array): Uint32Array;
  decodeBatch(): Promise<void>;
  sampleToken(index: number, sampler: unknown): Promise<number>;
  removeTokenCellsFromSequence(sequence: number, from: number, to: number): boolean;
}

interface NativeModule {
  readonly AddonModel: new (file: string, options: object) => { init(): Promise<boolean> };
  readonly AddonContext: new (model: object, options: object) => NativeContext;
  readonly AddonSampler: new (model: object) => { applyConfig(config: object): void };
  systemInfo(): string;
}

interface NodeLlama {
  getLlama(options: object): Promise<{ _bindings: NativeModule }>;
}

/** Tokens of one run when a prompt is read. */
const PROMPT_BATCH = 512;

const [entry = '', file = '', threads = '1', contextSize = '1024', sequences = '1'] = process.argv.slice(2);
const library = (await import(pathToFileURL(entry).href)) as NodeLlama;
const native = (await library.getLlama({ gpu: false, build: 'never', logLevel: 'error', maxThreads: 0 }))._bindings;
const model = new native.AddonModel(file, { addonExports: native, gpuLayers: 0, useMmap: true });
if (!(await model.init())) throw new Error(`llama.cpp cannot load ${file}.`);
const context = new native.AddonContext(model, {
  contextSize: Number(contextSize) * Number(sequences),
  batchSize: PROMPT_BATCH,
  sequences: Number(sequences),
  flashAttention: 'auto',
  threads: Number(threads),
});
if (!(await context.init())) throw new Error('llama.cpp cannot make a context.');
const sampler = new native.AddonSampler(model);
sampler.applyConfig({ temperature: 0 });

const random = createRandom(1);
const someTokens = (count: number): Uint32Array =>
  Uint32Array.from({ length: count }, () => 300 + Math.floor(random() * 10_000));

/** One run: new tokens for each sequence; the logits after each one's last token are made. Returns their places. */
async function decode(rows: { sequence: number; position: number; tokens: Uint32Array }[]): Promise<number[]> {
  context.initBatch(rows.reduce((sum, { tokens }) => sum + tokens.length, 0));
  const places = rows.map(({ sequence, position, tokens }) =>
    context.addToBatch(sequence, position, tokens, Uint32Array.of(tokens.length - 1)),
  );
  await context.decodeBatch();
  return places.map((place) => place[0]!);
}

function forget(from: number): void {
  for (let sequence = 0; sequence < Number(sequences); sequence++) {
    context.removeTokenCellsFromSequence(sequence, from, -1);
  }
}

/** Reads a prompt of random tokens from position 0; returns the place of the logits at its end. */
async function readPrompt(sequence: number, length: number): Promise<number> {
  let place = 0;
  for (let position = 0; position < length; position += PROMPT_BATCH) {
    const tokens = someTokens(Math.min(PROMPT_BATCH, length - position));
    place = (await decode([{ sequence, position, tokens }]))[0]!;
  }
  return place;
}

async function run(command: RivalCommand): Promise<RivalReply> {
  if (command.name === 'prefill' || command.name === 'request') {
    forget(0);
    return timed(async () => {
      let token = await context.sampleToken(await readPrompt(0, command.input), sampler);
      for (let made = 1; command.name === 'request' && made < command.output; made++) {
        const position = command.input + made - 1;
        const [place] = await decode([{ sequence: 0, position, tokens: Uint32Array.of(token) }]);
        token = await context.sampleToken(place!, sampler);
      }
    });
  }
  forget(0);
  for (let sequence = 0; sequence < command.rows; sequence++) await readPrompt(sequence, command.context);
  const steps = await timed(async () => {
    for (let step = 0; step < command.steps; step++) {
      const rows = Array.from({ length: command.rows }, (_, sequence) => ({
        sequence,
        position: command.context + step,
        tokens: someTokens(1),
      }));
      await decode(rows);
    }
  });
  return { wall: steps.wall / command.steps, cpu: steps.cpu / command.steps };
}

const say = (value: unknown): boolean => process.stdout.write(`${JSON.stringify(value)}\n`);
say({ ready: native.systemInfo() });
for await (const line of createInterface({ input: process.stdin })) {
  say(await run(JSON.parse(line) as RivalCommand));
}
process.exit(0);
