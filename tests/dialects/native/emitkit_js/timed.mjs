// node timed.mjs CHANNEL COUNT   create events one after the other on the server that CHECK_CONTEXT
//                                names; prints a JSON array of {"title", "answeredAt"}, in
//                                milliseconds of the machine's clock
import { client, event, unique } from './context.mjs';

const [channelName, count] = process.argv.slice(2);
const emitkit = client(JSON.parse(process.env.CHECK_CONTEXT));
const told = [];
for (let sent = 0; sent < Number(count); sent += 1) {
  const { data } = await emitkit.events.create(event({ channelName, title: unique('live') }));
  told.push({ title: data.title, answeredAt: Date.now() });
}
process.stdout.write(JSON.stringify(told));
