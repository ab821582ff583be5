// HTTPS on localhost: a server that can be stopped and started again at the same port,
// and a client that trusts the run's authority.

import { once } from 'node:events';
import https from 'node:https';
import { json } from 'node:stream/consumers';

/** Listens on a free port; set `handle` afterwards, when the URL is known. */
export async function startHttpsServer(certificates) {
  const running = { handle: undefined, stop, start };
  let server;

  async function listen(port) {
    server = https.createServer(
      { key: certificates.key, cert: certificates.cert },
      (request, response) => running.handle(request, response),
    );
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    running.port = server.address().port;
    running.url = `https://localhost:${running.port}`;
  }

  async function start() {
    if (!server.listening) await listen(running.port);
  }

  async function stop() {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }

  await listen(0);
  return running;
}

export async function getJson(url, certificates, headers = {}) {
  const request = https.get(url, { ca: certificates.authority, headers, agent: false });
  const [response] = await once(request, 'response');
  return { status: response.statusCode, body: await json(response) };
}
