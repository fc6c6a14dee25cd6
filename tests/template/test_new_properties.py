"""Whatever is answered: it is refused whole, or comes out as it went in."""

import json
import re
import tempfile
import tomllib
from pathlib import Path

from cookiecutter.utils import create_env_with_context
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import FileSystemLoader

from monorepo.core import languages
from monorepo.scaffold import answers
from monorepo.system.errors import UsageError
from tests.examples import times
from tests.template import baking
from tests.template.test_bake_text import shown
from tests.template.test_new_refusals import BAD_NAMES, BAD_PATHS, MARKUP

LONGEST_LINE = 200 - len("monorepo: \n")

many, few = times(6), times(0.25)

plain = st.from_regex(r"[a-z][a-z0-9]{0,9}(-[a-z0-9]{1,9}){0,3}", fullmatch=True)
nasty = st.text(st.characters() | st.sampled_from("-_./ \n<>{}%$`'\"\\"), max_size=80)
name = plain | nasty | st.sampled_from([*BAD_NAMES.values(), *MARKUP])
path = st.builds("{}/{}".format, st.sampled_from(languages.AREAS), name)
paths = st.lists(path | st.sampled_from([*BAD_PATHS.values()]), max_size=4).map(" ".join)

# What answers.py takes: no control characters, and something to see.
letter = st.characters(exclude_categories=["Cc", "Cs"])
mark = st.sampled_from("\t\n\r -+=#*_`[]()<>{}%&|~$\\\"'.:;!,@/0123456789")
fragment = st.sampled_from(["12. ", "- ", "\n\n", "    ", "&amp;", "\\n", "{{", "<<", "%}", "-->"])
text = st.lists(letter | mark | fragment, max_size=30).map("".join).filter(str.strip)


@many
@given(repo=name, namespace=name, packages=paths)
def test_names_are_good_or_refused(repo: str, namespace: str, packages: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        told = {"repo_name": repo, "namespace": namespace, "packages": packages}
        try:
            context = baking.context(Path(folder), **told)
        except UsageError as error:
            assert error.mistakes
            for line in error.mistakes:
                assert line.startswith((*told, "project_name", "description"))
                assert line.isprintable()
                assert len(line) < LONGEST_LINE
                assert "; " in line
        else:
            assert {key: context[key] for key in told} == told
            for word in (repo, namespace, *(path.split("/")[2] for path in packages.split())):
                assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", word)
                assert len(word) <= 64
        assert not list(Path(folder).iterdir())


@few
@given(
    repo=plain,
    namespace=plain,
    packages=st.lists(st.tuples(st.sampled_from(languages.AREAS), plain).map("/".join), min_size=1),
)
def test_what_is_accepted_can_be_made(repo: str, namespace: str, packages: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        told = {"repo_name": repo, "namespace": namespace, "packages": " ".join(packages[:3])}
        try:
            root = baking.render(out, **told)
        except UsageError:
            assert not list(out.iterdir())
            return
        assert [path.name for path in out.iterdir()] == [repo]
        for path in packages[:3]:
            assert (root / path / "README.md").is_file()
        for source in root.glob("s*/py/*/src/*/__init__.py"):
            compile(f"import {source.parent.name}", "", "exec")


@many
@given(project=text, description=text, author=text)
def test_text_comes_out_as_it_went_in(project: str, description: str, author: str) -> None:
    told = {"project_name": project, "description": description, "author_name": author}
    with tempfile.TemporaryDirectory() as folder:
        context = baking.context(Path(folder), repo_name="demo", namespace="acme", **told)
    environment = create_env_with_context({"cookiecutter": answers.TEMPLATE})
    environment.loader = FileSystemLoader(baking.TREE)

    def rendered(file: str) -> str:
        return str(environment.get_template(file).render(cookiecutter=context))

    facts = tomllib.loads(rendered("pyproject.toml"))["tool"]["monorepo"]
    assert (facts["project-name"], facts["author-name"]) == (project, author)
    assert json.loads(rendered("package.json"))["description"] == description
    assert shown(rendered("README.md"))[:2] == [project, description]
    assert f"Copyright (c) {author}" in rendered("LICENSE")


@few
@given(project=text, description=text, author=text)
def test_text_in_all_that_is_made(project: str, description: str, author: str) -> None:
    told = {"project_name": project, "description": description, "author_name": author}
    packages = "shared/py/core shared/js/core"
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        root = baking.render(out, repo_name="demo", namespace="acme", packages=packages, **told)
        for file in (*root.glob("*.toml"), *root.glob("s*/*/*/*.toml")):
            document = tomllib.loads(file.read_text(encoding="utf-8"))
            for one in document.get("project", {}).get("authors", []):
                # Core metadata, a later stage of this field, has no line breaks.
                assert one["name"] == " ".join(author.splitlines())
        facts = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
        assert facts["tool"]["monorepo"]["project-name"] == project
        manifest = json.loads((root / "shared/js/core/package.json").read_text(encoding="utf-8"))
        assert manifest["author"]["name"] == author
        with (root / "LICENSE").open(encoding="utf-8", newline="") as licence:
            assert f"Copyright (c) {author}" in licence.read()
        assert shown((root / "README.md").read_text(encoding="utf-8"))[:2] == [project, description]
