{% if cookiecutter.example %}
/**
 * Cut `items` into arrays of at most `size`, in order.
 *
 * An example: replace it with what the module is for.
 */
export function* chunks<T>(items: Iterable<T>, size: number): Generator<T[]> {
  if (!Number.isInteger(size) || size < 1) throw new RangeError(`size must be 1 or more: ${size}`);
  let chunk: T[] = [];
  for (const item of items) {
    chunk.push(item);
    if (chunk.length === size) {
      yield chunk;
      chunk = [];
    }
  }
  if (chunk.length > 0) yield chunk;
}
{% else %}
export {};
{% endif %}
