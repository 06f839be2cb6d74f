import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { RequestHandler, Response } from 'express';
import { AppError } from './errors.js';

/** Where the keys of an API come from; both empty: there are none. */
export interface KeySource {
  readonly key: string;
  /** A file with one key a line, so that an old and a new one can be valid at once. */
  readonly file: string;
}

/** Whether keys are asked for at all. */
export function isConfigured({ key, file }: KeySource): boolean {
  return key !== '' || file !== '';
}

/** The valid keys now. A file is read each time, so a new key counts at once; one that is gone or empty has none. */
export async function keysOf({ key, file }: KeySource): Promise<string[]> {
  const text = file === '' ? '' : await readFile(file, 'utf8').catch(() => '');
  return [key, ...text.split('\n').map((line) => line.trim())].filter((found) => found !== '');
}

/** Lets requests pass that carry an admin key. Throws AppError `admin_off` when there is none, `unauthorized` for a wrong one. */
export function requireAdminKey(source: KeySource): RequestHandler {
  return async (request, response, next) => {
    const keys = await keysOf(source);
    if (keys.length === 0) throw new AppError('admin_off', 'The admin API is off: no key is configured.');
    check(request.get('authorization'), keys, response);
    next();
  };
}

/**
 * Lets requests pass that carry a key of the inference API, and all when none is configured. A key file that is gone or empty lets
 * none pass. Throws AppError `unauthorized`.
 */
export function requireApiKey(source: KeySource): RequestHandler {
  return async (request, response, next) => {
    if (isConfigured(source)) check(request.get('authorization'), await keysOf(source), response);
    next();
  };
}

function check(authorization: string | undefined, keys: readonly string[], response: Response): void {
  const sent = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1] ?? '';
  // Compared with every key, whichever fits: the time says nothing about them.
  if (keys.map((key) => isSame(key, sent)).includes(true)) return;
  response.set('WWW-Authenticate', 'Bearer');
  throw new AppError('unauthorized', 'The key is missing or wrong.');
}

/** Compared by hash, in constant time: neither length nor beginning of the key shows. */
function isSame(key: string, sent: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(key), hash(sent));
}
