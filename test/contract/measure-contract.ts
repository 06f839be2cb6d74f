/**
 * Schemathesis with 100 examples per operation and all checks against a real server on the tiny model: `npm run contract`, or with
 * another number as its argument. Ends with the exit code of Schemathesis; `pip install schemathesis` comes first.
 */
import { ContractServer } from './contract-server.js';
import { schemathesis } from './schemathesis.js';

const examples = Number(process.argv[2] ?? 100);
if (!Number.isInteger(examples) || examples < 1) throw new Error('The number of examples must be 1 or more.');
const server = await ContractServer.open();
try {
  const { code } = await schemathesis(server, { examples, shown: true });
  process.exitCode = code;
} finally {
  await server.close();
}
