// Which of the package's error classes a refusal becomes, and what it carries.
import assert from 'node:assert/strict';
import { EmitKitError, RateLimitError, ValidationError } from '@emitkit/js';
import { UUID4, client, event, failure, unique } from './context.mjs';

function isPlain(error) {
  assert.ok(error instanceof EmitKitError, `${error}`);
  assert.ok(!(error instanceof ValidationError || error instanceof RateLimitError), error.name);
  assert.match(error.requestId, UUID4);
}

async function missingChannel(context) {
  const error = await failure(client(context).events.create({ title: 'No channel' }));
  assert.ok(error instanceof ValidationError, `${error}`);
  assert.equal(error.statusCode, 400);
  assert.equal(error.message, 'Validation error');
  assert.match(error.requestId, UUID4);
  assert.deepEqual(error.validationErrors.map(({ path }) => path), [['channelName']]);
  assert.equal(error.validationErrors[0].path.join('.'), 'channelName');
  assert.equal(typeof error.validationErrors[0].message, 'string');
}

async function severalProblems(context) {
  const body = { title: '', tags: ['fine', 7], metadata: null };
  const error = await failure(client(context).events.create(body));
  assert.ok(error instanceof ValidationError, `${error}`);
  const paths = error.validationErrors.map(({ path }) => path.join('.'));
  assert.deepEqual(paths, ['channelName', 'title', 'tags.1', 'metadata']);
}

async function identifyWithoutUser(context) {
  const error = await failure(client(context).identify({ user_id: '', properties: {} }));
  assert.ok(error instanceof ValidationError, `${error}`);
  assert.deepEqual(
    error.validationErrors.map(({ path, message }) => ({ path, message })),
    [{ path: ['user_id'], message: 'User ID is required' }],
  );
}

async function wrongKey({ address }) {
  const emitkit = client({ address, key: 'emitkit_thisKeyDoesNotExistAnywhere' });
  const error = await failure(emitkit.events.create(event()));
  isPlain(error);
  assert.equal(error.statusCode, 401);
  assert.equal(error.message, 'Unauthorized');
  assert.equal(error.details.success, false);
  assert.equal(emitkit.rateLimit, undefined, 'a 401 says nothing about limits');
}

async function otherBodySameKey(context) {
  const [emitkit, options] = [client(context), { idempotencyKey: unique('once') }];
  await emitkit.events.create(event(), options);
  const error = await failure(emitkit.events.create(event({ title: 'Another' }), options));
  isPlain(error);
  assert.equal(error.statusCode, 409);
  assert.equal(error.details.code, 'idempotency_conflict');
}

export const checks = {
  'errors: a missing channel is a ValidationError with path arrays': missingChannel,
  'errors: several problems come together, in field order': severalProblems,
  'errors: identify without a user is a ValidationError': identifyWithoutUser,
  'errors: a wrong key is an EmitKitError 401': wrongKey,
  'errors: another body under a used idempotency key is an EmitKitError 409': otherBodySameKey,
};
