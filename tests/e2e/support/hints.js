// The commands that messages name for a person to copy.

/** In quotes, at the end of a line after "try it:", or in a line of their own, maybe beside a description. */
const PLACES = [
  /'((?:kubekey|kubectl) [^'\n]+)'/g,
  /\btry it: ((?:kubekey|kubectl) .+)$/gm,
  /^ {2}((?:kubekey|kubectl) .+?)(?: {2,}.*)?$/gm,
];

/** A word in capitals stands for another one, so a command with it is no command to copy. */
const PLACEHOLDER = /\b[A-Z]{3,}\b/;

/** Each command in the text, once. */
export function commandsIn(text) {
  const all = PLACES.flatMap((place) => [...text.matchAll(place)].map(([, command]) => command));
  return [...new Set(all)].filter((command) => !PLACEHOLDER.test(command));
}
