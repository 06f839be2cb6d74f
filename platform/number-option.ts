import { InvalidArgumentError, Option } from 'commander';

/** Reads an option's number from `minimum` to `maximum`, a whole one by default. Throws commander's InvalidArgumentError. */
export function numberIn(minimum: number, maximum: number, isWhole = true): (text: string) => number {
  return (text) => {
    const value = Number(text);
    const isNumber = text.trim() !== '' && (isWhole ? Number.isSafeInteger(value) : Number.isFinite(value));
    if (!isNumber || value < minimum || value > maximum) {
      const range = maximum === Infinity ? `, at least ${minimum}` : ` from ${minimum} to ${maximum}`;
      throw new InvalidArgumentError(`It must be a ${isWhole ? 'whole ' : ''}number${range}.`);
    }
    return value;
  };
}

/** An option of a command line that takes a whole number from `minimum` (default 0). */
export function wholeOption(flags: string, text: string, fallback: number, minimum = 0): Option {
  return new Option(flags, text).default(fallback).argParser(numberIn(minimum, Infinity));
}
