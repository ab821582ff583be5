// What kubekey runs to launch a browser: it tells the test its arguments, and ends when the test has recorded them.
// Called by the script that launcher.js writes: node xdg_open.js SOCKET ARGUMENT...

import { connect } from 'node:net';

const [socket, ...args] = process.argv.slice(2);
connect(socket).end(JSON.stringify(args));
