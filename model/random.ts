/** Numbers evenly spread over [0, 1). */
export type Random = () => number;

/**
 * A reproducible generator (xoshiro128**). The same seed and stream give the same numbers everywhere; different
 * streams of one seed are independent. Seeds are taken as whole numbers modulo 2^53.
 */
export function createRandom(seed: number, stream = 0): Random {
  let mix =
    (Math.trunc(seed) ^ Math.imul(Math.trunc(seed / 2 ** 32), 0x85ebca6b) ^ Math.imul(stream + 1, 0x9e3779b9)) | 0;
  /** splitmix32: spreads a seed of few bits over the whole state. */
  const next = (): number => {
    mix = (mix + 0x9e3779b9) | 0;
    let z = mix;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) | 0;
  };
  let [a, b, c, d] = [next(), next(), next(), next()];
  return () => {
    const product = Math.imul(b, 5);
    const result = Math.imul((product << 7) | (product >>> 25), 9);
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    return (result >>> 0) / 2 ** 32;
  };
}
