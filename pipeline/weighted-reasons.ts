import { FEATURES, FEATURE_NAMES, type Features } from './features.js';
import type { RankingWeights } from './ranking-weights.js';
import type { Reason } from './types.js';

const DETAILS: Partial<Record<Reason['name'], string>> = {
  calibration: 'How often patches are right at all.',
};

/** The formula's reasons and the features as reasons whose weights make up the learned log-odds; those of 0 are left out. */
export function weighted(ofFormula: readonly Reason[], features: Features, weights: RankingWeights): Reason[] {
  const sums = new Map<Reason['name'], number>();
  const add = (name: Reason['name'], weight: number): void => {
    sums.set(name, (sums.get(name) ?? 0) + weight);
  };
  for (const { name, weight } of ofFormula) add(name, weights.formula * weight);
  for (const name of FEATURE_NAMES) add(FEATURES[name], (weights.features[name] ?? 0) * features[name]);
  add('calibration', weights.bias);
  return [...sums].flatMap(([name, weight]) => {
    const told = ofFormula.find((reason) => reason.name === name)?.detail;
    return weight === 0 ? [] : [{ name, weight, detail: told ?? DETAILS[name] ?? learnedDetail(name, features) }];
  });
}

/** What the features behind a reason say, where the formula says nothing. */
function learnedDetail(reason: Reason['name'], features: Features): string {
  const behind = FEATURE_NAMES.filter((name) => FEATURES[name] === reason);
  return `Learned from ${behind.map((name) => `${name.replaceAll('_', ' ')} ${features[name].toFixed(2)}`).join(', ')}.`;
}
