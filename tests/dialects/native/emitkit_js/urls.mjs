// The package joins baseUrl and path as text, so what people write as baseUrl must work.
import assert from 'node:assert/strict';
import { client, event, readChannel, unique } from './context.mjs';

const works = (suffix) => async (context) => {
  const emitkit = client({ ...context, address: context.address + suffix });
  const sent = event();
  const { data } = await emitkit.events.create(sent);
  const identity = await emitkit.identify({ user_id: unique('user') });
  assert.equal(typeof identity.data.id, 'string');
  assert.deepEqual((await readChannel(context, sent.channelName)).map(({ id }) => id), [data.id]);
};

export const checks = {
  'baseUrl: http://h': works(''),
  'baseUrl: http://h/': works('/'),
  'baseUrl: http://h/api': works('/api'),
  'baseUrl: http://h/api/': works('/api/'),
};
