"""A module of a JavaScript package becomes a package of its own."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from monorepo.core import workspace
from monorepo.layout import flatten
from monorepo.programs.git import Git
from monorepo.splitting import split
from monorepo.system.errors import UsageError

Write = Callable[[dict[str, str]], None]
Save = Callable[[], str]
CORE, AUDIO = "shared/js/core", "shared/js/audio"
TEMPLATE = "tools/templates/shared-js/{{cookiecutter.name}}"


def export(name: str) -> dict[str, str]:
    return {"source": f"./src/{name}.ts", "default": f"./dist/{name}.js"}


def manifest(name: str, **more: object) -> str:
    return json.dumps({"name": name, "version": "1.0.0", "type": "module", **more}, indent=2)


IO = 'import { read } from "../io.ts";\nexport const RATE = 1;\n'
BUILD = '{\n  // Why.\n  "include": ["src"],\n  "references": []\n}\n'
FILES = {
    f"{TEMPLATE}/package.json": (
        '{"name": "{{ cookiecutter.npm_name }}", "version": "1.0.0", "exports": '
        f'{{".": {json.dumps(export("index"))}}}, "devDependencies": {{"left": "^1"}}}}\n'
    ),
    f"{TEMPLATE}/src/index.ts": "export {};\n",
    f"{TEMPLATE}/tsconfig.build.json": BUILD,
    f"{TEMPLATE}/tests/index.test.ts": (
        'import * as exported from "{{ cookiecutter.npm_name }}";\n'
        "assert.deepEqual(Object.keys(exported), []);\n"
    ),
    f"{CORE}/package.json": manifest(
        "@tiny/core",
        exports={".": export("index"), "./audio": export("audio/index"), "./io": export("io")},
        dependencies={"left": "^1", "right": "^2"},
        peerDependencies={"peer": "^3"},
        peerDependenciesMeta={"peer": {"optional": True}},
    ),
    f"{CORE}/tsconfig.build.json": BUILD,
    f"{CORE}/src/index.ts": (
        'export { play, type Tone as Sound } from "./audio/index.ts";\n'
        'export { RATE } from "./audio/codec.ts";\n'
        'export { read } from "./io.ts";\n'
    ),
    f"{CORE}/src/io.ts": 'import right from "right";\nexport const read = right;\n',
    f"{CORE}/src/audio/index.ts": (
        'import left from "left";\nimport "peer/deep";\nimport { RATE } from "./codec.ts";\n'
        "export const play = left(RATE);\nexport interface Tone {}\n"
    ),
    f"{CORE}/src/audio/codec.ts": "export const RATE = 1;\n",
    f"{CORE}/tests/audio.test.ts": (
        'import { RATE } from "../src/audio/codec.ts";\nimport { play } from "../src/index.ts";\n'
        'import { help } from "./help.ts";\n'
    ),
    f"{CORE}/tests/help.ts": "export const help = 1;\n",
    f"{CORE}/tests/index.test.ts": (
        'import * as core from "@tiny/core";\n'
        'assert.deepEqual(Object.keys(core), ["RATE", "play", "read"]);\n'
    ),
    "services/js/web/package.json": manifest(
        "@tiny/svc-web", dependencies={"@tiny/core": "workspace:*"}
    ),
    "services/js/web/tsconfig.build.json": BUILD.replace(
        "[]", '[\n    { "path": "../../../shared/js/core/tsconfig.build.json" }\n  ]'
    ),
    "services/js/web/src/main.ts": (
        'import { play, read, type Sound } from "@tiny/core";\n'
        'import { play as p } from "@tiny/core/audio";\n'
    ),
    "README.md": 'Use `import "@tiny/core/audio"`.\n',
}


@pytest.fixture
def tree(root: Path, javascript: Path, write: Write, save: Save, git: Git) -> Path:
    """Write a monorepo in which a service uses a module of a shared package."""
    write(FILES)
    save()
    return javascript


def text(root: Path, path: str) -> str:
    return (root / path).read_text(encoding="utf-8")


def package(root: Path, path: str) -> dict[str, Any]:
    return dict(workspace.load_whole(root).packages[path].manifest)


def change(write: Write, save: Save, files: dict[str, str]) -> None:
    write(files)
    save()


def test_a_folder_becomes_a_package(tree: Path, git: Git) -> None:
    split.split(tree, "@tiny/core", "audio")
    assert text(tree, f"{AUDIO}/src/index.ts") == (
        FILES[f"{CORE}/src/audio/index.ts"] + 'export { RATE } from "./codec.ts";\n'
    )
    assert text(tree, f"{AUDIO}/src/codec.ts") == "export const RATE = 1;\n"
    assert not (tree / f"{CORE}/src/audio").exists()
    assert text(tree, f"{CORE}/src/index.ts") == 'export { read } from "./io.ts";\n'
    assert text(tree, "services/js/web/src/main.ts") == (
        'import { play, type Tone as Sound } from "@tiny/audio";\n'
        'import { read } from "@tiny/core";\nimport { play as p } from "@tiny/audio";\n'
    )
    assert text(tree, "README.md") == 'Use `import "@tiny/audio"`.\n'
    new, old = package(tree, AUDIO), package(tree, CORE)
    assert new["dependencies"] == {"left": "^1"}
    assert new["peerDependencies"] == {"peer": "^3"}
    assert new["peerDependenciesMeta"] == {"peer": {"optional": True}}
    assert old["dependencies"] == {"right": "^2"}
    assert "peerDependencies" not in old
    assert [*old["exports"]] == [".", "./io"]
    needed = {"@tiny/audio": "workspace:*", "@tiny/core": "workspace:*"}
    assert package(tree, "services/js/web")["dependencies"] == needed
    assert '"path": "../../../shared/js/audio/tsconfig.build.json"' in text(
        tree, "services/js/web/tsconfig.build.json"
    )
    assert git.unstaged() == []


def test_its_tests_go_along_with_what_they_alone_use(tree: Path) -> None:
    split.split(tree, CORE, "audio")
    assert text(tree, f"{AUDIO}/tests/audio.test.ts") == (
        'import { RATE } from "../src/codec.ts";\nimport { play } from "../src/index.ts";\n'
        'import { help } from "./help.ts";\n'
    )
    assert (tree / f"{AUDIO}/tests/help.ts").is_file()
    assert '["RATE", "play"]' in text(tree, f"{AUDIO}/tests/index.test.ts")
    assert 'Object.keys(core), ["read"]' in text(tree, f"{CORE}/tests/index.test.ts")


def test_a_test_stays_with_what_others_use(tree: Path, write: Write, save: Save) -> None:
    change(write, save, {f"{CORE}/tests/other.test.ts": 'import { help } from "./help.ts";\n'})
    said = split.split(tree, CORE, "audio").lines
    file = f"{CORE}/tests/audio.test.ts"
    assert f"look at {file}: it stays, because it is about both packages" in said
    assert 'from "@tiny/audio/codec"' in text(tree, file)
    # What others import by a path is exported.
    assert package(tree, AUDIO)["exports"]["./codec"] == export("codec")
    assert package(tree, CORE)["devDependencies"] == {"@tiny/audio": "workspace:*"}


@pytest.mark.parametrize("is_flat", [False, True])
def test_a_file_becomes_a_package(tree: Path, save: Save, is_flat: bool) -> None:
    if is_flat:
        flatten.flatten(tree)
        save()
    split.split(tree, "@tiny/core", "io", dry_run=True)
    said = split.split(tree, "@tiny/core", "io").lines
    at = "packages/tiny-io" if is_flat else "shared/js/io"
    assert at in said[0]
    assert text(tree, f"{at}/src/index.ts") == FILES[f"{CORE}/src/io.ts"]
    assert [*package(tree, "packages/tiny-core" if is_flat else CORE)["exports"]] == [
        ".",
        "./audio",
    ]


def test_a_nested_module_becomes_a_package(tree: Path) -> None:
    split.split(tree, CORE, "audio.codec", "shared/js/codec")
    assert text(tree, f"{CORE}/src/audio/index.ts").splitlines()[2] == (
        'import { RATE } from "@tiny/codec";'
    )
    assert package(tree, CORE)["dependencies"]["@tiny/codec"] == "workspace:*"
    assert '"../codec/tsconfig.build.json"' in text(tree, f"{CORE}/tsconfig.build.json")


def test_it_needs_the_rest_if_that_does_not_need_it(tree: Path, write: Write, save: Save) -> None:
    codec = 'import { read } from "../io.ts";\nexport const RATE = read;\n'
    change(write, save, {f"{CORE}/src/audio/codec.ts": codec})
    split.split(tree, CORE, "audio")
    assert text(tree, f"{AUDIO}/src/codec.ts").startswith('import { read } from "@tiny/core/io";')
    assert package(tree, AUDIO)["dependencies"]["@tiny/core"] == "workspace:*"
    assert '"../core/tsconfig.build.json"' in text(tree, f"{AUDIO}/tsconfig.build.json")


def test_a_test_of_both_stays_and_only_the_tests_need_the_new_package_in_turn(
    tree: Path, write: Write, save: Save
) -> None:
    both = 'import { play } from "../src/index.ts";\nimport { read } from "../src/io.ts";\n'
    files = {f"{CORE}/src/audio/codec.ts": IO, f"{CORE}/tests/two.test.ts": both}
    change(write, save, files)
    split.split(tree, CORE, "audio")
    assert text(tree, f"{CORE}/tests/two.test.ts").startswith('import { play } from "@tiny/audio";')
    assert package(tree, CORE)["devDependencies"]["@tiny/audio"] == "workspace:*"
    assert "@tiny/audio" not in package(tree, CORE).get("dependencies", {})
    assert package(tree, AUDIO)["dependencies"]["@tiny/core"] == "workspace:*"
    assert "audio" not in text(tree, f"{CORE}/tsconfig.build.json")


@pytest.mark.parametrize(
    ("files", "messages"),
    [
        (
            {
                "src/audio/codec.ts": IO,
                "src/mix.ts": '\nimport { play } from "./audio/index.ts";\n',
            },
            [
                f"{CORE}/src/audio/codec.ts:1: imports read, which stays in {CORE}; move read into "
                "audio, or into a package of its own, first",
                f"{CORE}/src/mix.ts:2: stays and imports play, so that each would need the other; "
                "or have it do without audio",
            ],
        ),
        (
            {
                "src/audio/codec.ts": 'import { x } from "../secret.ts";\nexport const RATE = 1;\n',
                "src/secret.ts": "export const x = 1;\n",
            },
            [
                f"{CORE}/src/audio/codec.ts:1: imports ../secret.ts, which @tiny/core does not "
                "export; export it in package.json or its index first"
            ],
        ),
        (
            {"tests/index.test.ts": 'import * as all from "@tiny/core";\nconst { play } = all;\n'},
            [f"{CORE}/tests/index.test.ts:2: takes play out of all; import it by its name first"],
        ),
        (
            {"src/other.ts": 'export * from "@tiny/core";\n'},
            [
                f"{CORE}/src/other.ts:1: exports all of @tiny/core, and with it names of audio; "
                "export names first"
            ],
        ),
    ],
)
def test_what_cannot_follow_is_refused(
    tree: Path, git: Git, write: Write, save: Save, files: dict[str, str], messages: list[str]
) -> None:
    change(write, save, {f"{CORE}/{path}": text for path, text in files.items()})
    with pytest.raises(UsageError) as error:
        split.split(tree, CORE, "audio")
    assert [*error.value.mistakes] == messages
    assert git.changed() == []


@pytest.mark.parametrize(
    ("module", "message"),
    [
        ("video", "MODULE='video': is not a module of shared/js/core; give one of audio, io"),
        ("index", "MODULE='index': is not a module; give a name such as audio"),
        ("../x", "MODULE='../x': is not a module; give a name such as audio"),
    ],
)
def test_a_module_that_is_not_there_is_refused(tree: Path, module: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        split.split(tree, CORE, module)
    assert [*error.value.mistakes] == [message]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            'import { play, read } from "@tiny/core";',
            'import { play } from "@tiny/audio";\nimport { read } from "@tiny/core";',
        ),
        ("import { play } from '@tiny/core'", "import { play } from '@tiny/audio'"),
        (
            'import type { Sound } from "@tiny/core";',
            'import type { Tone as Sound } from "@tiny/audio";',
        ),
        ('export { play } from "@tiny/core";', 'export { play } from "@tiny/audio";'),
        (
            'import d, { play } from "@tiny/core";',
            'import { play } from "@tiny/audio";\nimport d from "@tiny/core";',
        ),
        (
            'import * as c from "@tiny/core";\nc.play; c.read; x.c.play;',
            'import * as cAudio from "@tiny/audio";\nimport * as c from "@tiny/core";\n'
            "cAudio.play; c.read; x.c.play;",
        ),
        ('await import("@tiny/core/audio");', 'await import("@tiny/audio");'),
        ('import { read } from "@tiny/core";', 'import { read } from "@tiny/core";'),
        ('// from "@tiny/core/audio"', '// from "@tiny/core/audio"'),
    ],
)
def test_each_form_of_import_follows(
    tree: Path, write: Write, save: Save, before: str, after: str
) -> None:
    change(write, save, {"services/js/web/src/main.ts": f"{before}\n"})
    split.split(tree, CORE, "audio")
    assert text(tree, "services/js/web/src/main.ts") == f"{after}\n"


def test_stars_and_names_of_all_are_followed(tree: Path, write: Write, save: Save) -> None:
    index = 'export * from "./audio/index.ts";\nexport * as codecs from "./audio/codec.ts";\n'
    main = 'import { codecs, play } from "@tiny/core";\n'
    files = {f"{CORE}/src/index.ts": index, "services/js/web/src/main.ts": main}
    change(write, save, files)
    split.split(tree, CORE, "audio")
    assert text(tree, f"{CORE}/src/index.ts") == "export {};\n"
    assert text(tree, "services/js/web/src/main.ts") == (
        'import { play } from "@tiny/audio";\nimport * as codecs from "@tiny/audio/codec";\n'
    )
    # Nothing is left that would need the old one.
    assert package(tree, "services/js/web")["dependencies"] == {"@tiny/audio": "workspace:*"}
    assert "shared/js/core" not in text(tree, "services/js/web/tsconfig.build.json")


def test_manifests_in_edn_follow(tree: Path, write: Write, save: Save) -> None:
    files = {
        f"{CORE}/package.edn": (
            '{:package/name "@tiny/core"\n :package/version "1.0.0"\n :lang :node\n'
            ' :deps/base {"left" "^1"\n            "right" "^2"}\n'
            ' :peers {"peer" {:version "^3" :optional true}}\n'
            ' :entry {"." {:source "./src/index.ts" :default "./dist/index.js"}\n'
            '         "./audio" {:source "./src/audio/index.ts" :default "./dist/audio/index.js"}\n'
            '         "./io" {:source "./src/io.ts" :default "./dist/io.js"}}}\n'
        ),
    }
    change(write, save, files)
    split.split(tree, CORE, "audio")
    assert text(tree, f"{CORE}/package.edn") == (
        '{:package/name "@tiny/core"\n :package/version "1.0.0"\n :lang :node\n'
        ' :deps/base {"right" "^2"}\n'
        ' :entry {"." {:source "./src/index.ts" :default "./dist/index.js"}\n'
        '         "./io" {:source "./src/io.ts" :default "./dist/io.js"}}}\n'
    )


def test_what_names_a_file_otherwise_is_listed(tree: Path, write: Write, save: Save) -> None:
    lines = 'import "./io.ts";\nmock("./audio/index.ts", "./io.ts");\n'
    change(write, save, {f"{CORE}/src/mix.ts": lines})
    said = split.split(tree, CORE, "audio").lines
    told = f"look at {CORE}/src/mix.ts:2: it names ./audio/index.ts, which is in the module"
    assert [line for line in said if "mix.ts" in line] == [told]


@pytest.mark.parametrize(
    ("file", "code", "told"),
    [
        # Within the module, all goes along.
        ("src/audio/codec.ts", 'new URL("./tone.bin", import.meta.url);', ""),
        ("src/audio/codec.ts", 'import tone from "./tone.bin";', ""),
        ("src/audio/codec.ts", 'read("../nothing.bin");', ""),
        ("src/audio/codec.ts", 'new URL("../logo.bin", u);', f"../logo.bin, which stays in {CORE}"),
        (
            "src/audio/codec.ts",
            'import x from "../logo.bin";',
            f"../logo.bin, which stays in {CORE}",
        ),
        (
            "src/mix.ts",
            'import x from "./audio/tone.bin";',
            "./audio/tone.bin, which is in the module",
        ),
        ("src/mix.ts", 'import x from "./logo.bin";', ""),
        # Tests of the module, which go as well.
        (
            "tests/audio/x.test.ts",
            'read("../../src/logo.bin");',
            f"../../src/logo.bin, which stays in {CORE}",
        ),
        (
            "tests/audio/x.test.ts",
            'read("../../src/audio/tone.bin");',
            "../../src/audio/tone.bin, which is in the module",
        ),
    ],
)
def test_what_names_a_file_that_is_no_code_is_listed(
    tree: Path, write: Write, save: Save, file: str, code: str, told: str
) -> None:
    start = '\nimport { play } from "../../src/audio/index.ts";\n' if "test" in file else "\n\n"
    files = {"src/audio/tone.bin": "\0", "src/logo.bin": "\0", file: f"{start}{code}\n"}
    change(write, save, {f"{CORE}/{path}": text for path, text in files.items()})
    look = split.split(tree, CORE, "audio").look
    message = f"it names {told}"
    assert [(one.place, one.message) for one in look] == (
        [(f"{CORE}/{file}:3", message)] if told else []
    )


@pytest.mark.parametrize(
    ("module", "script", "told"),
    [
        ("io", "node dist/io.js", True),
        ("io", "node src/io.ts", True),
        ("audio", "node dist/audio/index.js", True),
        ("audio", "node dist/audio.js", False),
        ("io", "node dist/index.js", False),
    ],
)
def test_what_names_the_compiled_module_is_listed(
    tree: Path, write: Write, save: Save, module: str, script: str, *, told: bool
) -> None:
    manifest = json.loads(FILES[f"{CORE}/package.json"]) | {"scripts": {"work": script}}
    lines = json.dumps(manifest, indent=2)
    change(write, save, {f"{CORE}/package.json": lines})
    line = next(
        at for at, row in enumerate(lines.splitlines(), 1) if "work" in row and "node" in row
    )
    look = split.split(tree, CORE, module).look
    message = "it names a path of the module"
    assert (look == [(f"{CORE}/package.json:{line}", message)]) == told


def test_inputs_of_what_is_generated_follow(tree: Path, write: Write, save: Save) -> None:
    settings = {
        "generate": {
            "types": {
                "command": ["make-types"],
                "inputs": ["src/audio/*.ts", "package.json"],
                "outputs": ["src/types.ts"],
            }
        }
    }
    manifest = json.loads(FILES[f"{CORE}/package.json"]) | {"monorepo": settings}
    change(write, save, {f"{CORE}/package.json": json.dumps(manifest, indent=2)})
    assert split.split(tree, CORE, "audio").look == []
    (entry,) = package(tree, CORE)["monorepo"]["generate"].values()
    assert entry["inputs"] == [f"{AUDIO}/src/*.ts", "package.json"]
