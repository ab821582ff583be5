// What kubekey runs to bring up a browser: tells the test which arguments it was given,
// and ends when the test has noted them.
// Called by the script that launcher.js writes: node xdg_open.js SOCKET ARGUMENT...

import { connect } from 'node:net';

const [socket, ...args] = process.argv.slice(2);
connect(socket).end(JSON.stringify(args));
