// What a check is given, and the few things several checks need.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { EmitKit } from '@emitkit/js';

/**
 * A server to check, and a key for it.
 * @typedef {{ address: string, key: string }} Context
 */

export const UUID4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
export const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** A name that no other check uses, already in the normal form of a channel name. */
export const unique = (prefix) => `${prefix}-${randomBytes(6).toString('hex')}`;

export const client = ({ address, key }) => new EmitKit(key, { baseUrl: address });

export const event = (fields = {}) => ({
  channelName: unique('channel'),
  title: 'Payment received',
  ...fields,
});

/** `data` of a GET, which the package itself cannot send. */
async function read({ address, key }, path) {
  const response = await fetch(`${address}${path}`, { headers: { Authorization: `Bearer ${key}` } });
  const text = await response.text();
  assert.equal(response.status, 200, `GET ${path}: ${text}`);
  return JSON.parse(text).data;
}

export const readEvent = (context, id) => read(context, `/v1/events/${id}`);

export const readChannel = async (context, name) =>
  (await read(context, `/v1/events?channel=${name}&limit=100`)).events;

export const channelsNamed = async (context, name) =>
  (await read(context, '/v1/channels')).channels.filter((channel) => channel.name === name);

/** The error a call ends with; a call that succeeds fails the check. */
export async function failure(promise) {
  const outcome = await promise.then((value) => ({ value }), (error) => ({ error }));
  assert.ok('error' in outcome, `expected an error, got ${JSON.stringify(outcome.value)}`);
  return outcome.error;
}

export const inParallel = (count, call) => Promise.all(Array.from({ length: count }, (_, n) => call(n)));
