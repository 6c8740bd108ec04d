// identify: what it answers, and what an alias means to later events.
import assert from 'node:assert/strict';
import { INSTANT, UUID4, client, event, readEvent, unique } from './context.mjs';

async function answersWhatIsStored(context) {
  const user = unique('user');
  const properties = { email: `${user}@example.com`, plan: 'pro', seats: 3, nested: { ok: true } };
  const result = await client(context).identify({ user_id: user, properties, aliases: [properties.email] });
  assert.equal(typeof result.data.id, 'string');
  assert.equal(result.data.userId, user);
  assert.deepEqual(result.data.properties, properties);
  assert.deepEqual(result.data.aliases, { created: [properties.email] });
  assert.match(result.data.updatedAt, INSTANT);
  assert.match(result.requestId, UUID4);
  assert.equal(result.wasReplayed, false);
}

async function propertiesAreReplaced(context) {
  const [emitkit, user_id] = [client(context), unique('user')];
  const first = await emitkit.identify({ user_id, properties: { plan: 'free', trial: true } });
  const second = await emitkit.identify({ user_id, properties: { plan: 'pro' } });
  assert.deepEqual(second.data.properties, { plan: 'pro' });
  assert.equal(second.data.id, first.data.id, 'the identity keeps its id');
}

async function aliasResolves(context) {
  const [emitkit, user] = [client(context), unique('user')];
  const alias = `${user}@example.com`;
  await emitkit.identify({ user_id: user, aliases: [alias] });
  const { data } = await emitkit.events.create(event({ userId: alias }));
  assert.equal((await readEvent(context, data.id)).userId, user);
}

async function aliasConflict(context) {
  const [emitkit, owner, other] = [client(context), unique('user'), unique('user')];
  const [taken, free] = [`${owner}@example.com`, `${other}@example.com`];
  await emitkit.identify({ user_id: owner, aliases: [taken] });
  const { data } = await emitkit.identify({ user_id: other, aliases: [taken, free] });
  assert.deepEqual(data.aliases, {
    created: [free],
    failed: [{ alias: taken, reason: 'Alias already exists' }],
  });
}

async function ownIdAsAlias(context) {
  const user = unique('user');
  const { data } = await client(context).identify({ user_id: user, aliases: [user, `${user}@x.com`] });
  assert.equal(data.aliases.failed, undefined);
}

export const checks = {
  'identify: answers what is stored': answersWhatIsStored,
  'identify: properties are replaced': propertiesAreReplaced,
  'identify: an alias in an event becomes the canonical user': aliasResolves,
  'identify: an alias of another user fails': aliasConflict,
  'identify: the own user id as an alias succeeds': ownIdAsAlias,
};
