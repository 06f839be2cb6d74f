import { createHash, timingSafeEqual } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { RequestHandler } from 'express';
import { AppError } from './errors.js';

/** Where the admin key comes from; both empty: there is none. */
export interface AdminKeySource {
  readonly adminKey: string;
  readonly adminKeyFile: string;
}

/**
 * Lets requests pass that carry the admin key as a bearer token. A key file is read for each request, so a new key counts at once.
 * Throws AppError `admin_off` without a key (also when its file is empty or gone), `unauthorized` for a wrong one.
 */
export function requireAdminKey(source: AdminKeySource): RequestHandler {
  return async (request, response, next) => {
    const keys = [source.adminKey, await readKey(source.adminKeyFile)].filter((key) => key !== '');
    if (keys.length === 0) throw new AppError('admin_off', 'The admin API is off: no key is configured.');
    const sent = /^Bearer +(\S+)$/i.exec(request.get('authorization') ?? '')?.[1] ?? '';
    if (!keys.map((key) => isSame(key, sent)).includes(true)) {
      response.set('WWW-Authenticate', 'Bearer');
      throw new AppError('unauthorized', 'The admin key is missing or wrong.');
    }
    next();
  };
}

async function readKey(file: string): Promise<string> {
  return file === '' ? '' : (await readFile(file, 'utf8').catch(() => '')).trim();
}

/** Compared by hash, in constant time: neither length nor beginning of the key shows. */
function isSame(key: string, sent: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(key), hash(sent));
}
