// kubectl, whose path is the first argument. As a long-lived program it is `kubectl proxy`: client-go with one
// connection for all.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const [kubectl, isOnce] = process.argv.slice(2);
if (isOnce) {
  execFileSync(kubectl, ['get', 'pods', '--namespace=default'], { stdio: 'inherit' });
  process.exit();
}

const proxy = spawn(kubectl, ['proxy', '--port=0'], { stdio: ['ignore', 'pipe', 'inherit'] });
process.on('exit', () => proxy.kill());
const [line] = await once(createInterface({ input: proxy.stdout }), 'line');
const [address] = line.match(/127\.0\.0\.1:\d+/);
for await (const _ of createInterface({ input: process.stdin })) {
  const { ok, status } = await fetch(`http://${address}/api/v1/namespaces/default/pods`);
  console.log(ok ? 'listed' : `failed: ${status}`);
}
process.exit();
