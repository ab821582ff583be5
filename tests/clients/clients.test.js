// Runs the clients. See README.md.

import { after, describe, test } from 'node:test';

import { CLIENTS } from './clients.js';
import { install } from './install.js';
import { observe } from './scenario.js';
import { startHall, startStage } from './stage.js';
import { row, TABLE } from './table.js';

const words = (process.env.CLIENTS ?? '').split(' ').filter(Boolean);
const names = words.filter((word) => !word.startsWith('--'));
const isWanted = ({ name, ci }) => (names.length > 0 ? names.some((word) => name.includes(word)) : ci || words.includes('--long'));
const clients = install(CLIENTS.filter(isWanted));
const hall = await startHall(after);
const seen = [];
after(() => words.includes('--write') && TABLE.write(seen, CLIENTS.map(({ name }) => name)));

describe('clients', { concurrency: 4 }, () => {
  for (const [number, client] of clients.entries()) {
    test(client.name, async (t) => {
      const stage = await startStage(hall, `client${number}`, (task) => t.after(task));
      const found = row(client.name, await observe(client, stage));
      seen.push(found);
      if (!words.includes('--write')) TABLE.check(found);
    });
  }
});
