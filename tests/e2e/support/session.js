// A user's login session: its own D-Bus, with an unlocked keyring.

import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { run, start, stop, until, within } from './processes.js';

/**
 * Adds the bus address of the session to `env`, which has the user's HOME and XDG_RUNTIME_DIR.
 * Cleanup goes to `atEnd`.
 */
export async function startSession(env, atEnd) {
  const config = writeBusConfig(env.XDG_RUNTIME_DIR);
  const bus = start('dbus-daemon', ['--config-file', config, '--nofork', '--print-address'], { env });
  atEnd(() => stop(bus));
  const [address] = await within(10, () => 'the D-Bus address', once(bus.stdout, 'data'));
  env.DBUS_SESSION_BUS_ADDRESS = address.trim();
  const options = ['--foreground', '--unlock', '--components=secrets'];
  const keyring = start('gnome-keyring-daemon', options, { env, input: 'pipe' });
  atEnd(() => stop(keyring));
  keyring.stdin.end('the keyring password');
  await until(10, 'an unlocked default keyring', () => hasDefaultCollection(env));
}

// No <servicedir>: only services that are started here respond on this bus.
function writeBusConfig(folder) {
  const file = join(folder, 'bus.conf');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(file, `<busconfig>
  <type>session</type>
  <listen>unix:path=${join(folder, 'bus')}</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`);
  return file;
}

async function hasDefaultCollection(env) {
  const { stdout } = await run('dbus-send', [
    '--session', '--print-reply=literal', '--dest=org.freedesktop.secrets', '/org/freedesktop/secrets',
    'org.freedesktop.Secret.Service.ReadAlias', 'string:default',
  ], { env });
  return stdout.includes('/collection/');
}
