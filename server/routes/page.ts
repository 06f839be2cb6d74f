import { Router, type Response } from 'express';
import type { Config } from '../config.js';
import { AppError } from '../errors.js';
import { isConfigured } from '../keys.js';
import { INDEX, readPage, type PageFile } from '../page.js';

/**
 * Nothing but the server's own files may be loaded, asked or run; nobody may frame the page. Trusted types: no text can become
 * markup or a script, wherever it comes from.
 */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const headers = {
  'Content-Security-Policy': contentSecurityPolicy,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  // A new version of the server has another page: ask each time, which costs an empty 304.
  'Cache-Control': 'no-cache',
};

/** `GET /`, the page, and what it is made of below `/page`. None of it needs a key: it holds nothing that is not public. */
export function pageRoutes(config: Config): Router {
  const router = Router({ strict: true, caseSensitive: true });
  let files: Promise<ReadonlyMap<string, PageFile>> | undefined;

  /** Read at the first visit, so that the API does not wait for it. */
  const send = async (response: Response, name: string): Promise<void> => {
    files ??= readPage().catch((error: unknown) => {
      // The next visit tries again.
      files = undefined;
      throw error;
    });
    const file = (await files).get(name);
    if (!file) throw new AppError('not_found', 'There is nothing at this path.');
    // Express answers with 304 when the client names this tag.
    response.set({ ...headers, ETag: file.etag, 'Content-Type': file.type }).send(file.body);
  };

  router.get('/', async (_request, response) => {
    await send(response, INDEX);
  });

  router.get('/page/settings.json', (_request, response) => {
    const { apiKeys, adminKeys, adminPort, feedback, limits } = config;
    response.set(headers).json({
      api_key: isConfigured(apiKeys),
      admin_api: !isConfigured(adminKeys) ? 'off' : adminPort >= 0 ? 'other_port' : 'here',
      feedback: feedback.folder !== '',
      limits: {
        max_files: limits.maxFiles,
        max_file_bytes: limits.maxFileBytes,
        max_patches: limits.maxPatches,
      },
    });
  });

  router.get('/page/:file', async (request, response) => {
    await send(response, request.params.file);
  });

  return router;
}
