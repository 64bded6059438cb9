// Tells the alternatives of a union apart: the compiler lets an object literal have any name that one of them knows.
import { type DataType, EVERYTHING, isNone, NONE, type ObjectShape, type Property, restOf } from './data-type';

/** The same type, in which each object that takes no other names says so of the names that stand beside it. */
export const closeUnions = (type: DataType): DataType => closeTogether([type])[0] as DataType;

/** Types that the compiler compares one value with: those of one property in all alternatives, for example. */
function closeTogether(group: readonly DataType[]): readonly DataType[] {
  const types = [...new Set(group)].filter((type) => type !== EVERYTHING);
  const shapes = types.flatMap(({ objects }) => objects);
  const arrays = types.flatMap((type) => type.arrays);
  if (shapes.length + arrays.length === 0) return group;
  const isOpen = shapes.some((shape) => !isNone(restOf(shape)));
  const closed = closeNames(shapes, shapes.length > 1 && isOpen, arrays.length > 0 ? ['length'] : []);
  const elements = [...new Set(arrays.flatMap(({ places, rest }) => [...places, rest]))];
  const together = closeTogether(arrays.length > 1 ? elements : []);
  const elementOf = (type: DataType): DataType =>
    arrays.length > 1 ? (together[elements.indexOf(type)] as DataType) : closeUnions(type);
  return group.map((type) =>
    type === EVERYTHING
      ? type
      : {
          ...type,
          objects: type.objects.map((shape) => closed.get(shape) as ObjectShape),
          arrays: type.arrays.map((shape) => ({
            ...shape,
            places: shape.places.map(elementOf),
            rest: elementOf(shape.rest),
          })),
        },
  );
}

/** @param foreign Names that the compiler knows from what stands beside the objects: an array's `length`. */
function closeNames(
  shapes: readonly ObjectShape[],
  besideOpen: boolean,
  foreign: readonly string[],
): Map<ObjectShape, ObjectShape> {
  const inside = new Map(shapes.map((shape) => [shape, new Map<string, Property>()]));
  for (const name of new Set([...shapes.flatMap(({ properties }) => [...properties.keys()]), ...foreign])) {
    const having = shapes.filter(({ properties }) => properties.has(name));
    const types = closeTogether(having.map(({ properties }) => (properties.get(name) as Property).type));
    for (const shape of shapes) {
      const index = having.indexOf(shape);
      const property = shape.properties.get(name);
      if (property) inside.get(shape)?.set(name, { ...property, type: types[index] as DataType });
      else if (isNone(restOf(shape))) inside.get(shape)?.set(name, { type: NONE, required: false, doc: [] });
    }
  }
  return new Map(
    shapes.map((shape) => {
      const properties = inside.get(shape) as Map<string, Property>;
      const others = shape.others.map(({ patterns, rest }) => ({
        patterns: patterns.map((pattern) => ({ ...pattern, type: closeUnions(pattern.type) })),
        rest: closeUnions(rest),
      }));
      return [shape, { properties, others, bounded: besideOpen && isNone(restOf(shape)) }];
    }),
  );
}
