import { Command } from 'commander';
import { writeFileAtomic } from '../platform/atomic-file.js';
import { loadConfig } from '../server/config.js';
import { readRecords } from '../server/feedback/files.js';
import type { FeedbackRecord } from '../server/feedback/record.js';
import { trainingRows } from '../server/feedback/training-rows.js';
import { CommandError } from './exit-codes.js';

/** The commands `feedback …`: what users said about answers. They read the server's folder; it may be running. */
export function feedbackCommand(print: (text: string) => void): Command {
  const feedback = new Command('feedback').description('what users said about answers, read from FEEDBACK_DIR');
  feedback
    .command('export')
    .description('write accepted patches and corrections as rows for npm run train, and count the rest')
    .requiredOption('-o, --out <file>', 'where the rows go, oldest first')
    .exitOverride()
    .action(async ({ out }: { out: string }) => {
      const { rows, counts } = trainingRows(await keptRecords());
      const lines = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
      await writeFileAtomic(out, lines, 0o600).catch((cause: unknown) => {
        throw new CommandError('failed', `Cannot write ${out}.`, { cause });
      });
      print(`${JSON.stringify({ rows: rows.length, ...counts }, undefined, 2)}\n`);
    });
  return feedback;
}

async function keptRecords(): Promise<FeedbackRecord[]> {
  const { folder } = loadConfig().feedback;
  if (folder === '') throw new CommandError('usage', 'FEEDBACK_DIR is not set.');
  const records: FeedbackRecord[] = [];
  try {
    for await (const { record } of readRecords(folder)) records.push(record);
  } catch (cause) {
    throw new CommandError('failed', `Cannot read ${folder}: ${(cause as Error).message}`, { cause });
  }
  return records;
}
