// A table of the documentation, whose rows are test results.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../../..');
const END = '<!-- The end of what is made. -->\n';

/** A row of Markdown. */
export const tableRow = (cells) => `| ${cells.join(' | ')} |`;

/** `page`: its path from the root. `command` generates the table; the page names it above the table. */
export class DocTable {
  constructor(page, command, head) {
    this.file = join(ROOT, page);
    this.page = page;
    this.command = command;
    this.head = [head, head.map(() => '---')].map(tableRow);
  }

  /** Fails if the page has another row. */
  check(row) {
    const committed = this.#rows().get(nameOf(row)) ?? 'no row';
    if (row === committed) return;
    assert.fail(`${this.page} has another row. Find out why; if the result is right, run '${this.command}'.\nin the page: ${committed}\nresult:      ${row}`);
  }

  /** Replaces the rows of the same names, in the order of `names`. */
  write(rows, names) {
    const all = new Map([...this.#rows(), ...rows.map((row) => [nameOf(row), row])]);
    const table = [...this.head, ...names.filter((name) => all.has(name)).map((name) => all.get(name))];
    const { before, after } = this.#parts();
    writeFileSync(this.file, `${before}${table.join('\n')}\n${END}${after}`);
  }

  #rows() {
    return new Map(this.#parts().table.split('\n').slice(2, -1).map((row) => [nameOf(row), row]));
  }

  #parts() {
    const start = `<!-- Made by \`${this.command}\`. -->\n`;
    const [before, rest] = readFileSync(this.file, 'utf8').split(start);
    const [table, after] = rest.split(END);
    return { before: before + start, table, after };
  }
}

const nameOf = (row) => row.split('|')[1].trim();
