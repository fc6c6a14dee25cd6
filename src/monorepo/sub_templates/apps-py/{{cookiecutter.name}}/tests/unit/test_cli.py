{% if cookiecutter.example %}
from pathlib import Path

{% endif %}
import pytest

from {{ cookiecutter.import_name }}.cli import main


{% if cookiecutter.example %}
def test_it_counts_the_words_of_each_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / "one", tmp_path / "none"]
    files[0].write_text("twice two\nwords", encoding="utf-8")
    files[1].write_text("", encoding="utf-8")

    assert main([str(file) for file in files]) == 0
    assert capsys.readouterr().out == f"3\t{files[0]}\n0\t{files[1]}\n"


def test_what_cannot_be_read_is_named_and_the_rest_is_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing, binary, good = tmp_path / "missing", tmp_path / "binary", tmp_path / "good"
    binary.write_bytes(b"\xff")
    good.write_text("word", encoding="utf-8")

    assert main([str(missing), str(binary), str(good)]) == 1
    said = capsys.readouterr()
    assert said.out == f"1\t{good}\n"
    assert f"{missing}: No such file or directory\n" in said.err
    assert f"{binary}: is not UTF-8\n" in said.err


{% endif %}
@pytest.mark.parametrize("wrong", [{% if cookiecutter.example %}[], {% endif %}["--nonsense"]])
def test_wrong_arguments_are_refused(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(wrong)

    assert end.value.code == 2
