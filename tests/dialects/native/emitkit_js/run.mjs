// node run.mjs NAME   run one check against the server that CHECK_CONTEXT names (a JSON Context);
//                     prints one JSON line {"check", "ok", "message"} and exits 0 or 1
// node run.mjs        print the names of all checks, one JSON line per name
import { checks as errors } from './errors.mjs';
import { checks as events } from './events.mjs';
import { checks as identify } from './identify.mjs';
import { checks as limits } from './limits.mjs';
import { checks as urls } from './urls.mjs';

const checks = { ...events, ...identify, ...errors, ...limits, ...urls };

const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

async function run(check) {
  try {
    await checks[check](JSON.parse(process.env.CHECK_CONTEXT));
    say({ check, ok: true, message: '' });
  } catch (error) {
    say({ check, ok: false, message: error.stack ?? `${error}` });
    process.exitCode = 1;
  }
}

const [name] = process.argv.slice(2);
if (name === undefined) {
  Object.keys(checks).forEach(say);
} else {
  await run(name);
}
