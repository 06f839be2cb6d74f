// Proves: the environment is checked as a whole, with defaults, and a fault names its variable.
import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { ConfigError, loadConfig, packageRoot } from '../../server/config.js';

describe('configuration', () => {
  it('has a default for everything', () => {
    const config = loadConfig({});
    assert.equal(config.host, '127.0.0.1');
    assert.equal(config.port, 8080);
    assert.equal(config.workers, 1);
    assert.ok(config.threads >= 1);
    assert.equal(config.modelDir, join(packageRoot, 'model/artifacts'));
    assert.ok(Object.isFrozen(config) && Object.isFrozen(config.limits));
  });

  it('reads variables; empty ones do not count', () => {
    const config = loadConfig({ PORT: '0', HOST: ' ::1 ', THREADS: '3', MAX_FILES: '', MODEL_DIR: '/models/a' });
    assert.deepEqual(
      [config.port, config.host, config.threads, config.limits.maxFiles, config.modelDir],
      [0, '::1', 3, 64, '/models/a'],
    );
  });

  it('names every variable that is wrong', () => {
    assert.throws(
      () => loadConfig({ PORT: '80a', WORKERS: '0', LOG_LEVEL: 'loud', QUEUE_SIZE: '1.5' }),
      (error: Error) => {
        assert.ok(error instanceof ConfigError);
        for (const name of ['PORT', 'WORKERS', 'LOG_LEVEL', 'QUEUE_SIZE'])
          assert.match(error.message, new RegExp(name));
        return true;
      },
    );
  });
});
