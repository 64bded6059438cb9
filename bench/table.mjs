// Markdown tables as prettier formats them: padded, the first column to the left, figures to the right.

/** @param rows Lists of texts; the first one is the head. */
export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(3, ...rows.map((row) => row[column].length)));
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const pad = (row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column])));
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`));
  return [line(pad(rows[0])), line(rule), ...rows.slice(1).map((row) => line(pad(row)))].join('\n');
}

/** A figure with three digits that count, and thousands apart. */
export function figure(value) {
  if (value === undefined) return '';
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
