// events.create: every documented field, idempotency, and first events on a new channel.
import assert from 'node:assert/strict';
import {
  INSTANT, UUID4, channelsNamed, client, event, inParallel, readChannel, readEvent, unique,
} from './context.mjs';

const FAMILY = '\u{1F468}\u200D\u{1F469}\u200D\u{1F467}\u200D\u{1F466}'; // 11 UTF-16 units
const KISS = '\u{1F9D1}\u{1F3FB}\u200D\u2764\uFE0F\u200D\u{1F48B}\u200D\u{1F9D1}\u{1F3FF}'; // 15
const METADATA = { amount: 99.99, count: 3, paid: true, coupon: null, lines: [{ sku: 'ä-1', qty: 2 }] };

/** A check that one field arrives and is read back as it was sent. */
const keeps = (field, value) => async (context) => {
  const { data } = await client(context).events.create(event({ [field]: value }));
  const stored = await readEvent(context, data.id);
  assert.deepEqual(stored[field], value);
};

async function minimal(context) {
  const sent = event();
  const result = await client(context).events.create(sent);
  assert.equal(typeof result.data.id, 'string');
  assert.equal(typeof result.data.channelId, 'string');
  assert.equal(result.data.channelName, sent.channelName);
  assert.equal(result.data.title, sent.title);
  assert.match(result.data.createdAt, INSTANT);
  assert.match(result.requestId, UUID4);
  assert.equal(result.wasReplayed, false);
}

async function defaults(context) {
  const { data } = await client(context).events.create(event());
  const stored = await readEvent(context, data.id);
  const { tags, metadata, userId, notify, source } = stored;
  assert.deepEqual(
    { tags, metadata, userId, notify, source },
    { tags: [], metadata: {}, userId: null, notify: true, source: 'api' },
  );
}

async function everyField(context) {
  const sent = event({
    description: 'User upgraded to Pro plan',
    icon: '💰',
    tags: ['billing', 'upgrade'],
    metadata: METADATA,
    userId: unique('user'),
    notify: false,
    source: 'checkout',
    displayAs: 'notification',
  });
  const { data } = await client(context).events.create(sent);
  const stored = await readEvent(context, data.id);
  assert.deepEqual({ ...stored, ...sent }, stored);
}

async function undefinedMembersVanish(context) {
  const { data } = await client(context).events.create(event({ icon: undefined, tags: undefined }));
  assert.deepEqual((await readEvent(context, data.id)).tags, []);
}

async function metadataOf16Kilobytes(context) {
  const metadata = { text: 'x'.repeat(16 * 1024 - '{"text":""}'.length) };
  assert.equal(JSON.stringify(metadata).length, 16 * 1024);
  const { data } = await client(context).events.create(event({ metadata }));
  assert.deepEqual((await readEvent(context, data.id)).metadata, metadata);
}

async function replay(context) {
  const emitkit = client(context);
  const [sent, options] = [event(), { idempotencyKey: unique('once') }];
  const first = await emitkit.events.create(sent, options);
  const second = await emitkit.events.create(sent, options);
  assert.deepEqual([first.wasReplayed, second.wasReplayed], [false, true]);
  assert.equal(second.data.id, first.data.id);
  assert.equal(second.requestId, first.requestId);
  assert.equal(second.rateLimit.remaining, first.rateLimit.remaining - 1, 'a replay counts');
  assert.equal((await readChannel(context, sent.channelName)).length, 1);
}

async function parallelWithOneKey(context) {
  const emitkit = client(context);
  const [sent, options] = [event(), { idempotencyKey: unique('once') }];
  const results = await inParallel(25, () => emitkit.events.create(sent, options));
  assert.equal(new Set(results.map(({ data }) => data.id)).size, 1);
  assert.equal(new Set(results.map(({ requestId }) => requestId)).size, 1);
  assert.equal(results.filter(({ wasReplayed }) => !wasReplayed).length, 1);
  assert.equal((await readChannel(context, sent.channelName)).length, 1);
}

async function parallelOnNewChannel(context) {
  const emitkit = client(context);
  const channelName = unique('new');
  const results = await inParallel(25, (n) => emitkit.events.create(event({ channelName, title: `${n}` })));
  assert.equal(new Set(results.map(({ data }) => data.id)).size, 25);
  assert.equal(new Set(results.map(({ data }) => data.channelId)).size, 1);
  assert.equal((await channelsNamed(context, channelName)).length, 1);
  assert.equal((await readChannel(context, channelName)).length, 25);
}

export const checks = {
  'create: only the required fields': minimal,
  'create: the documented defaults': defaults,
  'create: description': keeps('description', 'User upgraded to Pro plan'),
  'create: icon': keeps('icon', '💰'),
  'create: icon of a family of four, 11 units': keeps('icon', FAMILY),
  'create: icon of a kiss with skin tones, 15 units': keeps('icon', KISS),
  'create: tags': keeps('tags', ['signup', 'onboarding']),
  'create: metadata': keeps('metadata', METADATA),
  'create: metadata of 16 KB': metadataOf16Kilobytes,
  'create: userId': keeps('userId', 'user_123'),
  'create: userId null': keeps('userId', null),
  'create: notify true': keeps('notify', true),
  'create: notify false': keeps('notify', false),
  'create: source': keeps('source', 'stripe-webhook'),
  'create: displayAs message': keeps('displayAs', 'message'),
  'create: displayAs notification': keeps('displayAs', 'notification'),
  'create: all fields together': everyField,
  'create: undefined members vanish': undefinedMembersVanish,
  'idempotency: the second create is a replay': replay,
  'idempotency: parallel creates with one key make one event': parallelWithOneKey,
  'channels: parallel creates on a new channel make one channel': parallelOnNewChannel,
};
