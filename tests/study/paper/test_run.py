from __future__ import annotations

import shutil

import pytest
from made_paper import PAPER, MadeKinds, write_paper, write_results

from fahrstats.cohort import store
from fahrstats.errors import DataError
from fahrstats.study.paper.run import analyse_paper, check_paper_results


def files_in(folder):
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


def test_every_study_is_analysed_and_its_results_are_copied(results, made, paper):
    # FaceSurvival of the saliency study comes from the prognostic one.
    assert made.analysed == ["lives.toml", "study.toml", "look.toml"]
    assert {path.name for path in results.parent.iterdir()} == {
        *("paper", "lives", "ages", "look")
    }
    assert set(files_in(results)) == {
        "manifest.json",
        *("prognosis/manifest.json", "prognosis/tables/cox.parquet"),
        *("ages/manifest.json", "ages/tables/cox.parquet"),
        *("saliency/manifest.json", "saliency/tables/cox.parquet"),
        "saliency/averages.npz",
    }
    manifest = check_paper_results(made.kinds(), paper, results)
    assert manifest["kind"] == "paper"
    assert manifest["notes"] == "All of it is made up."
    assert manifest["statements"] == {"funding": "Nobody paid."}
    assert [author["name"] for author in manifest["authors"]] == [
        "Ada Author",
        "Bea Author",
    ]
    named = {role: part["name"] for role, part in manifest["parts"].items()}
    assert named == {"prognosis": "lives", "ages": "ages", "saliency": "look"}


def test_what_is_up_to_date_is_neither_analysed_nor_written_again(
    results, made, paper, out
):
    before = {f: f.stat().st_mtime_ns for f in results.rglob("*") if f.is_file()}
    steps = []
    analyse_paper(made.kinds(), paper, out=out, watch=lambda *step: steps.append(step))
    assert len(made.analysed) == 3
    assert steps == []
    after = {f: f.stat().st_mtime_ns for f in results.rglob("*") if f.is_file()}
    assert after == before


def test_a_study_that_changed_is_analysed_again_and_so_is_what_needs_it(
    results, made, paper, out
):
    (paper.parent / "lives.toml").write_text(
        'kind = "biomarker"\ntitle = "Other lives"\n'
    )
    with pytest.raises(DataError, match=r"`lives.toml`, the file of .* `lives`, has"):
        check_paper_results(made.kinds(), paper, results)
    again = MadeKinds(found={"biomarker": 2.5})
    steps = []
    analyse_paper(again.kinds(), paper, out=out, watch=lambda *step: steps.append(step))
    assert again.analysed == ["lives.toml", "look.toml"]
    assert steps[0] == ("prognosis: making it up", 0, 1)
    table, _ = store.read(results / "prognosis" / "tables" / "cox.parquet")
    assert table["estimate"].item() == 2.5
    assert (
        check_paper_results(again.kinds(), paper, results)["parts"]["prognosis"][
            "title"
        ]
        == "Other lives"
    )


def test_results_of_other_code_are_made_again(results, made, paper, out):
    file = results.parent / "ages" / "manifest.json"
    manifest = store.read_manifest(file)
    manifest["provenance"]["code_sha256"] = "of another version"
    store.write_manifest(manifest, file)
    analyse_paper(made.kinds(), paper, out=out)
    assert made.analysed[3:] == ["study.toml"]


def test_a_paper_without_one_of_its_studies_drops_its_copy_alone(
    results, made, paper, out
):
    write_paper(paper.parent, PAPER, {'ages = "ages"\n': ""})
    analyse_paper(made.kinds(), paper, out=out)
    assert {path.name for path in results.iterdir()} == {
        *("manifest.json", "prognosis", "saliency")
    }
    assert (results.parent / "ages" / "manifest.json").is_file()


def test_a_co_author_needs_the_folder_of_the_paper_alone(results, made, paper):
    for name in ("lives", "ages", "look"):
        shutil.rmtree(results.parent / name)
    assert check_paper_results(made.kinds(), paper, results)["name"] == "paper"


def test_results_that_changed_since_they_were_copied_are_refused(
    results, made, paper, out
):
    lives = results.parent / "lives"
    shutil.copytree(lives, lives.with_name("kept"))
    manifest = store.read_manifest(lives / "manifest.json")
    store.write_manifest({**manifest, "horizons": [5]}, lives / "manifest.json")
    with pytest.raises(DataError, match=r"results of the study `lives` changed since"):
        check_paper_results(made.kinds(), paper, results)


def test_a_copy_whose_table_was_changed_is_refused(results, made, paper):
    file = results / "ages" / "tables" / "cox.parquet"
    table, provenance = store.read(file)
    store.write(table.assign(estimate=9.0), file, provenance)
    with pytest.raises(DataError, match=r"cox.parquet` was changed after the manifest"):
        check_paper_results(made.kinds(), paper, results)


def test_a_copy_of_other_results_is_refused(results, made, paper):
    study = paper.parent / "ages" / "study.toml"
    write_results(results / "ages", "age-benchmark", study, estimate=7.0)
    with pytest.raises(DataError, match="is not what the manifest of the paper descr"):
        check_paper_results(made.kinds(), paper, results)


def test_a_paper_whose_file_changed_is_refused(results, made, paper):
    paper.write_text(paper.read_text().replace("made-up paper", "better title"))
    with pytest.raises(DataError, match=r"`paper.toml`, the file of .* `paper`, has"):
        check_paper_results(made.kinds(), paper, results)


def test_a_problem_of_any_study_stops_before_the_first_is_analysed(paper, out):
    made = MadeKinds(problems={"age-benchmark": "there is no age."})
    with pytest.raises(DataError, match=r"paper.toml: ages \(ages\): there is no age"):
        analyse_paper(made.kinds(), paper, out=out)
    assert made.analysed == []
    assert not out.exists()


def test_notes_that_changed_are_noticed(results, made, paper):
    (paper.parent / "notes.md").write_text("Some of it is true.")
    with pytest.raises(DataError, match=r"`notes.md`, the notes of the study, has"):
        check_paper_results(made.kinds(), paper, results)
