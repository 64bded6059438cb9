// What a schema says that a type cannot: its description, and its limits in words, for the doc comment.

/** Lines for a doc comment; none where the schema says nothing. */
export function notesOn(schema: Readonly<Record<string, unknown>>): string[] {
  const { description, title } = schema;
  const text = typeof description === 'string' ? description : typeof title === 'string' ? title : '';
  const lines = text
    .split(/\r\n|[\n\r\u0085\u2028\u2029]/)
    .map((line) => line.trim())
    .filter((line, index, all) => line !== '' || (index > 0 && index < all.length - 1));
  const limits = limitsOf(schema);
  return limits.length > 0 ? [...lines, `${limits.join('; ')}.`] : lines;
}

function limitsOf(schema: Readonly<Record<string, unknown>>): string[] {
  const {
    minimum,
    maximum,
    exclusiveMinimum,
    exclusiveMaximum,
    multipleOf,
    minLength,
    maxLength,
    minItems,
    maxItems,
    uniqueItems,
    pattern,
    format,
    type,
  } = schema;
  const lists = Array.isArray(type) ? type : [type];
  const isWhole = lists.includes('integer') && !lists.includes('number');
  const limits = [
    isWhole ? 'Integer' : undefined,
    span(minimum, maximum, '', exclusiveMinimum === true, exclusiveMaximum === true),
    typeof multipleOf === 'number' ? `a multiple of ${multipleOf}` : undefined,
    span(minLength, maxLength, ' characters'),
    span(minItems, maxItems, ' items'),
    uniqueItems === true ? 'no two the same' : undefined,
    typeof format === 'string' ? `format ${format}` : undefined,
    typeof pattern === 'string' ? `pattern \`${pattern}\`` : undefined,
  ].filter((limit) => limit !== undefined);
  return limits.map((limit, index) => (index === 0 ? limit.charAt(0).toUpperCase() + limit.slice(1) : limit));
}

function span(from: unknown, to: unknown, unit: string, isOver = false, isUnder = false): string | undefined {
  const [least, most] = [typeof from === 'number', typeof to === 'number'];
  const counted = (count: unknown): string => `${String(count)}${count === 1 ? unit.replace(/s$/, '') : unit}`;
  if (least && most && !isOver && !isUnder) return from === to ? counted(to) : `${String(from)} to ${counted(to)}`;
  const words = [
    least ? `${isOver ? 'more than' : 'at least'} ${counted(from)}` : undefined,
    most ? `${isUnder ? 'less than' : 'at most'} ${counted(to)}` : undefined,
  ].filter((word) => word !== undefined);
  return words.length > 0 ? words.join(', ') : undefined;
}
