import type { Tokenizer } from '../../model/tokenizer.js';
import type { LineMeasure } from '../../pipeline/windows.js';

/** Some ten thousand files' lines; then it begins anew. */
const MAX_LINES = 200_000;

const measures = new WeakMap<Tokenizer, LineMeasure>();

/**
 * A tokenizer's line lengths, remembered: the rows of a history show the same files again and again, and tokenising
 * whole files is most of the work of reading them.
 */
export function rememberedMeasure(tokenizer: Tokenizer): LineMeasure {
  const known = measures.get(tokenizer);
  if (known) return known;
  const lengths = new Map<string, number>();
  const measure: LineMeasure = {
    encodeLine(line) {
      let length = lengths.get(line);
      if (length === undefined) {
        length = tokenizer.encodeLine(line).length;
        if (lengths.size === MAX_LINES) lengths.clear();
        lengths.set(line, length);
      }
      return { length };
    },
  };
  measures.set(tokenizer, measure);
  return measure;
}
