import path from 'node:path';
import { readConfig } from '../../model/config.js';
import { constraintVocabulary, type ConstraintVocabulary } from '../../model/constraints/vocabulary.js';
import { loadTokenizer, type Tokenizer } from '../../model/tokenizer.js';

/** Directory of the tiny test model; tests run with the repository as working directory. */
export const TINY_MODEL = path.resolve('test/fixtures/tiny');

/** The tiny model's tokenizer and its vocabulary for constraints. */
export async function tinyVocabulary(): Promise<{ tokenizer: Tokenizer; vocabulary: ConstraintVocabulary }> {
  const config = await readConfig(TINY_MODEL);
  const tokenizer = await loadTokenizer(path.join(TINY_MODEL, config.files.tokenizer), config);
  return { tokenizer, vocabulary: constraintVocabulary(tokenizer) };
}
