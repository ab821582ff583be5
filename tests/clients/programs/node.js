// Node.js' @kubernetes/client-node.

import { createInterface } from 'node:readline';

import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';

let api;

async function listPods() {
  if (!api) {
    const config = new KubeConfig();
    config.loadFromDefault();
    api = config.makeApiClient(CoreV1Api);
  }
  await api.listNamespacedPod({ namespace: 'default' });
}

if (process.argv.includes('--once')) {
  await listPods();
} else {
  for await (const _ of createInterface({ input: process.stdin })) {
    const answer = await listPods().then(() => 'listed', (error) => `failed: ${error.message.replaceAll('\n', ' ')}`);
    console.log(answer);
  }
}
