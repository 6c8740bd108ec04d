// The rate limit as the package shows it. Needs a key of its own with the default limit.
import assert from 'node:assert/strict';
import { RateLimitError } from '@emitkit/js';
import { UUID4, client, event, failure } from './context.mjs';

const WINDOW_MS = 60_000;

function withinWindow({ reset, resetIn }) {
  assert.ok(resetIn > 0 && resetIn <= WINDOW_MS, `resetIn ${resetIn} is not in (0, ${WINDOW_MS}]`);
  assert.ok(Number.isInteger(reset) && Math.abs(reset - Date.now() / 1000) <= 61, `reset ${reset}`);
}

async function countsDown(context) {
  const emitkit = client(context);
  const first = await emitkit.events.create(event());
  assert.deepEqual([first.rateLimit.limit, first.rateLimit.remaining], [100, 99]);
  withinWindow(first.rateLimit);
  const second = await emitkit.identify({ user_id: 'counted' });
  assert.deepEqual([second.rateLimit.limit, second.rateLimit.remaining], [100, 98]);
  assert.equal(emitkit.rateLimit, second.rateLimit);
}

async function the101stIsRefused(context) {
  const emitkit = client(context);
  const remaining = [];
  for (let n = 0; n < 100; n += 1) {
    remaining.push((await emitkit.events.create(event({ channelName: 'busy' }))).rateLimit.remaining);
  }
  assert.deepEqual(remaining, Array.from({ length: 100 }, (_, n) => 99 - n));
  const error = await failure(emitkit.events.create(event({ channelName: 'busy' })));
  assert.ok(error instanceof RateLimitError, `${error.name}: ${error.message}`);
  assert.equal(error.statusCode, 429);
  assert.deepEqual([error.rateLimit.limit, error.rateLimit.remaining], [100, 0]);
  assert.match(error.message, /^Rate limit exceeded\. Resets in \d+s$/);
  assert.match(error.requestId, UUID4);
  withinWindow(error.rateLimit);
}

export const checks = {
  'limits: the default is 100 and counts down': countsDown,
  'limits: the 101st request in a window is a RateLimitError': the101stIsRefused,
};
