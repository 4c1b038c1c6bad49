"""The log of a training, its figure and its clock."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from made_faces import open_job, open_training
from matplotlib.figure import Figure
from PIL import Image

from fahrstats.errors import DataError
from fahrstats.face.training import training_log
from fahrstats.face.training.training_log import Clock, TrainingLog, draw_log

TWO_STAGES = ("epochs = 1", "epochs = 1")


@pytest.fixture
def jobs(tmp_path):
    config = open_training(tmp_path, stages=TWO_STAGES)
    return open_job(config, 1), open_job(config, 2)


def _write(log: TrainingLog, *steps: int) -> None:
    for step in steps:
        log.write(
            step, rate=0.1, loss=1 / step, error=0.1 + step if step == 3 else None
        )


def test_numbers_are_read_back_to_the_bit(jobs):
    _write(TrainingLog(jobs[0], step=0), 1, 2, 3)
    log = pd.read_csv(jobs[0].config.folder / "log.csv", float_precision="round_trip")
    assert log.columns.tolist() == ["stage", "step", "learning_rate", "loss", "error"]
    assert log["loss"].tolist() == [1.0, 1 / 2, 1 / 3]
    assert log["error"].tolist()[2] == 0.1 + 3
    assert log["error"].isna().tolist() == [True, True, False]


def test_a_log_is_cut_back_to_where_the_run_goes_on(jobs):
    first, second = jobs
    file = first.config.folder / "log.csv"
    _write(TrainingLog(first, step=0), 1, 2, 3)
    _write(TrainingLog(second, step=0), 1, 2, 3)
    with file.open("a") as log:
        log.write("2,4,0.1,0.2")
    _write(TrainingLog(second, step=2), 3)
    log = pd.read_csv(file)
    assert log["stage"].tolist() == [1, 1, 1, 2, 2, 2]
    assert log["step"].tolist() == [1, 2, 3, 1, 2, 3]
    TrainingLog(first, step=1)
    assert file.read_text().splitlines() == [
        "stage,step,learning_rate,loss,error",
        "1,1,0.1,1.0,",
    ]


def test_a_log_that_was_cut_in_its_first_line_begins_anew(jobs):
    file = jobs[0].config.folder / "log.csv"
    file.write_text("stage,st")
    TrainingLog(jobs[0], step=0)
    assert file.read_text() == "stage,step,learning_rate,loss,error\n"


def test_a_log_that_is_deleted_while_it_is_written_begins_with_its_columns(jobs):
    log = TrainingLog(jobs[0], step=0)
    _write(log, 1, 2)
    (jobs[0].config.folder / "log.csv").unlink()
    _write(log, 3, 4)
    assert pd.read_csv(jobs[0].config.folder / "log.csv")["step"].tolist() == [3, 4]


def test_a_log_that_another_program_has_changed_is_refused(jobs):
    file = jobs[0].config.folder / "log.csv"
    file.write_text("stage;step;learning_rate;loss;error\n1;1;0.1;2.0;\n")
    for read in (
        lambda: TrainingLog(jobs[0], step=1),
        lambda: draw_log(file.parent, error_name="none"),
    ):
        with pytest.raises(DataError, match=r"does not begin with the columns .* move"):
            read()


def test_a_clock_tells_learning_from_waiting_and_leaves_out_the_rest(monkeypatch):
    now = iter([0.0, 1.0, 2.0, 6.0, 16.0, 17.0, 20.0, 50.0])
    monkeypatch.setattr(training_log.time, "perf_counter", lambda: next(now))
    clock = Clock()
    assert np.isnan([clock.speed, clock.waiting]).all()
    for _ in clock.timed(iter([None, None])):  # 1 second each
        clock.learned(14)  # 4 and 3 seconds
        clock.paused()  # 10 and 30 seconds
    assert clock.speed == pytest.approx(28 / 9)
    assert clock.waiting == pytest.approx(2 / 9)


@pytest.fixture
def drawn(monkeypatch) -> list[Figure]:
    figures = []
    save = Figure.savefig

    def keep(figure, *args, **told):
        figures.append(figure)
        save(figure, *args, **told)

    monkeypatch.setattr(Figure, "savefig", keep)
    return figures


@pytest.mark.parametrize("is_tuned", [True, False])
def test_a_figure_shows_losses_errors_and_stages(tmp_path, drawn, is_tuned):
    n = 100
    log = pd.DataFrame(
        {"stage": np.repeat([1, 2], n), "step": np.tile(range(1, n + 1), 2)}
    )
    log["learning_rate"] = 0.1
    log["loss"] = 3.0 + (log["step"] % 2)
    log["error"] = np.where(is_tuned & (log["step"] % 10 == 0), 2.0, np.nan)
    log.to_csv(tmp_path / "log.csv", index=False)
    draw_log(tmp_path, error_name="macro MAE, years")
    with Image.open(tmp_path / "loss.png") as picture:
        assert min(picture.size) > 600
    above, below = drawn[0].axes
    legend = [text.get_text() for text in above.get_legend().get_texts()]
    told = ["macro MAE, years, tuning photos"] if is_tuned else []
    assert legend == ["loss of a batch", "its running mean", *told]
    lines = {line.get_label(): line for line in above.lines[:3]}
    # The mean of ten batches, a tenth of a stage, is flat where the batches are not
    middle = lines["its running mean"].get_ydata()[10:-10]
    assert middle == pytest.approx(np.full(len(middle), 3.5))
    if is_tuned:
        assert lines[told[0]].get_xdata().tolist() == list(range(10, 101, 10))
    ends = [line.get_xdata()[0] for line in below.lines if line.get_linestyle() == ":"]
    assert ends == [n + 0.5]


def test_a_figure_of_a_log_whose_beginning_was_deleted_keeps_its_steps(jobs, drawn):
    _write(TrainingLog(jobs[0], step=2), 3, 4)
    _write(TrainingLog(jobs[1], step=0), 1, 2)
    draw_log(jobs[0].config.folder, error_name="macro MAE, years")
    above, _ = drawn[0].axes
    lines = [line for line in above.lines if line.get_label() == "loss of a batch"]
    assert [line.get_xdata().tolist() for line in lines] == [[3, 4], [5, 6]]


def test_a_figure_of_later_stages_alone_has_its_legend(jobs, drawn):
    _write(TrainingLog(jobs[1], step=0), 1, 2)
    draw_log(jobs[1].config.folder, error_name="macro MAE, years")
    assert drawn[0].axes[0].get_legend() is not None


def test_where_the_log_was_deleted_nothing_is_drawn(tmp_path):
    draw_log(tmp_path, error_name="macro MAE, years")
    assert not list(tmp_path.iterdir())
