"""A copy of a folder can be worked on, and shows nothing of how its source was checked out."""

from pathlib import Path

from monorepo.system import folders


def test_a_copy_has_the_modes_of_git_whatever_those_of_its_source_are(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "in/deep").mkdir(parents=True)
    for name, mode in {
        "in/run": 0o500,
        "in/deep/text": 0o440,
        "open": 0o666,
        "made": 0o644,
    }.items():
        (source / name).touch(mode)
        (source / name).chmod(mode)
    (source / "link").symlink_to("nowhere")
    places = [source / "in/deep", source / "in", source]
    for place in places:
        place.chmod(0o555)
    try:
        (target / "in").mkdir(parents=True)
        (target / "in/before").touch()
        folders.copy(source, target, lambda _, names: {"made"} & {*names})
    finally:
        for place in places:
            place.chmod(0o755)
    modes = {str(path.relative_to(target)): path for path in target.rglob("*")}
    assert modes.keys() == {"in", "in/before", "in/deep", "in/deep/text", "in/run", "link", "open"}
    assert (target / "link").is_symlink()
    files = {"in/deep/text": 0o644, "in/run": 0o755, "open": 0o644}
    assert {name: modes[name].stat().st_mode & 0o777 for name in files} == files
    for folder in (target, target / "in", target / "in/deep"):
        assert folder.stat().st_mode & 0o777 == 0o755
