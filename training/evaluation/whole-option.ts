import { InvalidArgumentError, Option } from 'commander';

/** An option of a command line that takes a whole number from `minimum` (default 0). */
export function wholeOption(flags: string, text: string, fallback: number, minimum = 0): Option {
  return new Option(flags, text).default(fallback).argParser((given: string) => {
    const value = Number(given);
    if (!Number.isSafeInteger(value) || value < minimum) {
      throw new InvalidArgumentError(`It must be a whole number, at least ${minimum}.`);
    }
    return value;
  });
}
