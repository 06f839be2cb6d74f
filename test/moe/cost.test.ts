// Both sides are as large; a mixture is adapted as a whole; more experts a token take more operations.
import assert from 'node:assert/strict';
import { readConfig, type ModelConfig } from '../../model/config.js';
import { agentsCost, mixtureCost } from '../../training/moe/cost.js';
import { readMoeRecord } from '../../training/moe/graph-files.js';
import { hiddenUnits, type MoeSizes } from '../../training/moe/tensors.js';
import { TINY_DIRECTORY, TINY_MOE_DIRECTORY } from '../helpers/tiny.js';

describe('cost of agents and mixtures', () => {
  let config: ModelConfig;
  let sizes: MoeSizes;
  const sequences = [{ row: 0, sourceIds: [40, 41, 42], ids: [19, 50, 51, 52, 2], labels: 4 }];

  before(async () => {
    config = await readConfig(TINY_DIRECTORY);
    sizes = await readMoeRecord(TINY_MOE_DIRECTORY);
  });

  it('counts as many parameters, but for E - 2 a layer', () => {
    const [agents, mixture] = [agentsCost(config), mixtureCost(config, sizes, 1)];
    assert.equal(mixture.parameters - agents.parameters, config.decoder_layers * (sizes.experts - 2));
    assert.equal(agents.adapted, agents.parameters / 2);
    assert.equal(mixture.adapted, mixture.parameters);
  });

  it('counts the operations of the chosen experts', () => {
    const { hidden_size: d, decoder_layers: layers } = config;
    const [one, two] = [1, 2].map((topK) => mixtureCost(config, sizes, topK)) as [
      ReturnType<typeof mixtureCost>,
      ReturnType<typeof mixtureCost>,
    ];
    // A further expert of R / E hidden units, down and up, forward and back, for the four tokens that are read.
    const expert = (hiddenUnits(sizes) / sizes.experts) * 4 * d * layers * 3 * 4;
    assert.equal(two.operations(sequences) - one.operations(sequences), expert);
    assert.equal(one.dense(sequences) - one.operations(sequences), 3 * expert);
    assert(one.activePercent < two.activePercent && two.activePercent < 100);
  });
});
