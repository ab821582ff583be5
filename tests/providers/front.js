// An https server in front of a provider that speaks http; it records the requests.

import http from 'node:http';

import { startHttpsServer } from '../e2e/support/https_server.js';

/**
 * `requests`: each request as `{ method, path, query, status }`, after its response. `backend`: the port to hand
 * requests over to; set it when it is known.
 */
export async function startFront(certificates, atEnd) {
  const server = await startHttpsServer(certificates);
  atEnd(() => server.stop());
  const front = { url: server.url, host: `localhost:${server.port}`, backend: undefined, requests: [] };
  server.handle = (request, response) => handOver(front, request, response);
  return front;
}

function handOver(front, request, response) {
  const { pathname, searchParams } = new URL(request.url, front.url);
  const headers = { ...request.headers, 'x-forwarded-proto': 'https', 'x-forwarded-host': front.host };
  const options = { host: '127.0.0.1', port: front.backend, path: request.url, method: request.method, headers };
  const onward = http.request(options, (answer) => {
    const query = Object.fromEntries(searchParams);
    front.requests.push({ method: request.method, path: pathname, query, status: answer.statusCode });
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  onward.on('error', (error) => response.writeHead(502).end(`${error}`));
  request.pipe(onward);
}
