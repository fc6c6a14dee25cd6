import assert from "node:assert/strict";
import test from "node:test";
import * as exported from "{{ cookiecutter.npm_name }}";

{% if cookiecutter.example %}
const { chunks } = exported;

{% endif %}
test("other packages get these names, and no others", () => {
  assert.deepEqual(Object.keys(exported), [{% if cookiecutter.example %}"chunks"{% endif %}]);
});
{% if cookiecutter.example %}

test("chunks cuts in order and keeps the rest", () => {
  assert.deepEqual([...chunks("abcde", 2)], [["a", "b"], ["c", "d"], ["e"]]);
  assert.deepEqual([...chunks([], 2)], []);
});

test("chunks takes sizes from 1", () => {
  assert.throws(() => [...chunks("abc", 0)], RangeError);
  assert.throws(() => [...chunks("abc", 1.5)], RangeError);
});
{% endif %}
