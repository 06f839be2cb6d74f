import path from 'node:path';
import { Command } from 'commander';
import { AgentError } from '../../adapters/errors.js';
import { sealAgent } from '../../adapters/seal-agent.js';
import { loadBackbone } from '../../model/backbone.js';
import { ModelError } from '../../model/errors.js';

/** Seals each file and prints what it is now, one JSON line each. */
async function seal(files: readonly string[], directory: string): Promise<void> {
  const backbone = await loadBackbone({ directory });
  try {
    for (const file of files) {
      const { name, generation } = await sealAgent(file, backbone);
      process.stdout.write(`${JSON.stringify({ file, agent: name, generation })}\n`);
    }
  } finally {
    await backbone.close();
  }
}

try {
  await new Command('npm run seal --')
    .description('Checks agents’ files as export.py writes them and gives them probe and seal, in place.')
    .argument('<files...>', 'agents’ files')
    .option('--model-dir <folder>', 'backbone', path.resolve(import.meta.dirname, '../../../model/artifacts'))
    .action((files: readonly string[], { modelDir }: { readonly modelDir: string }) => seal(files, modelDir))
    .parseAsync();
} catch (error) {
  if (!(error instanceof AgentError || error instanceof ModelError)) throw error;
  process.stderr.write(`${error.code}: ${error.message}\n`);
  process.exitCode = 1;
}
