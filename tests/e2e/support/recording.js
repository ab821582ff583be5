// Screens of a terminal, as a picture that moves.

const LETTER = { width: 8.4, height: 18, size: 14 };
const MARGIN = 16;
// Seconds: how long the last screen stays, and the longest pause between two.
const LAST = 5;
const PAUSE = 2.5;

/** An SVG of `screens`, each `{ lines, time }` with the time in milliseconds; without motion it shows the last one. */
export function animate(screens, { columns }) {
  const rows = Math.max(...screens.map(({ lines }) => lines.length));
  const [width, height] = [columns * LETTER.width + 2 * MARGIN, rows * LETTER.height + 2 * MARGIN].map(Math.ceil);
  const starts = [];
  let end = 0;
  screens.forEach(({ time }, index) => {
    starts.push(end);
    end += Math.min(PAUSE, ((screens[index + 1]?.time ?? time + LAST * 1000) - time) / 1000);
  });
  end += LAST - PAUSE;
  const percent = (seconds) => `${(100 * seconds / end).toFixed(3)}%`;
  const rules = screens.map((_, index) => {
    const [from, to] = [percent(starts[index]), percent(starts[index + 1] ?? end)];
    const after = index + 1 < screens.length ? `${to},100%{visibility:hidden}` : '';
    const before = index > 0 ? '0%{visibility:hidden}' : '';
    return `@keyframes s${index}{${before}${from}{visibility:visible}${after}}#s${index}{animation:s${index} ${end.toFixed(2)}s step-end infinite}`;
  });
  const still = screens.slice(0, -1).map((_, index) => `#s${index}`).join(',');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">
<title>The first kubectl signs you in; the second one has the token</title>
<style>
text{font:${LETTER.size}px ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;fill:#e6e6e6;white-space:pre}
@media (prefers-reduced-motion:no-preference){
${rules.join('\n')}
}
@media (prefers-reduced-motion:reduce){${still}{display:none}}
</style>
<rect width="${width}" height="${height}" rx="8" fill="#16191d"/>
${screens.map(draw).join('\n')}
</svg>
`;
}

function draw({ lines }, index) {
  const drawn = lines.map((line, row) => {
    const y = MARGIN + (row + 0.8) * LETTER.height;
    return line && `<text x="${MARGIN}" y="${y.toFixed(1)}" textLength="${(line.length * LETTER.width).toFixed(1)}">${escape(line)}</text>`;
  });
  return `<g id="s${index}">${drawn.join('')}</g>`;
}

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
