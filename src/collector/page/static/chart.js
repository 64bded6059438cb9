// The small chart of the last minute: one bar per second, bad events on top.

const SVG = 'http://www.w3.org/2000/svg';
/** How far back the chart looks, one bar a second. */
export const SECONDS = 60;
const [WIDTH, HEIGHT] = [240, 32];

/** Draws `arrivals`, the counts of good and bad events by second, and says their sum. */
export function drawRate(svg, caption, arrivals) {
  const now = Math.floor(Date.now() / 1_000);
  const recent = [...arrivals].filter(([second]) => now - second < SECONDS);
  const most = Math.max(4, ...recent.map(([, { good, bad }]) => good + bad));
  const bars = recent.flatMap(([second, { good, bad }]) => {
    const x = WIDTH - ((now - second + 1) * WIDTH) / SECONDS;
    const [goodHeight, badHeight] = [good, bad].map((count) => (count * HEIGHT) / most);
    return [bar('good', x, HEIGHT - goodHeight, goodHeight), bar('bad', x, HEIGHT - goodHeight - badHeight, badHeight)];
  });
  svg.replaceChildren(...bars);
  const sum = recent.reduce((all, [, { good, bad }]) => all + good + bad, 0);
  caption.textContent = `${sum.toLocaleString('en')} in the last minute`;
}

function bar(kind, x, y, height) {
  const rect = document.createElementNS(SVG, 'rect');
  for (const [name, value] of Object.entries({ class: kind, x, y, height, width: WIDTH / SECONDS - 1 }))
    rect.setAttribute(name, value);
  return rect;
}
