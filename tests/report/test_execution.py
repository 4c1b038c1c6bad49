"""Code runs in a process of its own; what it shows and raises comes back."""

from __future__ import annotations

from ast import literal_eval
from time import monotonic

import pytest

from fahrstats.errors import DataError, ResultWarning
from fahrstats.report.execution import Executed, execute


@pytest.fixture
def run(read, tmp_path):
    """Execute a document from its text; return outputs in order."""

    def executed(text, **params):
        folder = tmp_path / "work"
        folder.mkdir(exist_ok=True)
        done: Executed = execute(read(text), params, folder)
        return [output for step in done.outputs.values() for output in step]

    return executed


def cell(code: str, *options: str) -> str:
    lines = [f"#| {option}" for option in options]
    return "\n".join(["```{python}", *lines, code, "```", ""])


def test_outputs_come_in_the_order_in_which_they_appear(run):
    code = (
        "import sys\nfrom IPython.display import Markdown, display\n"
        "print('one')\ndisplay(Markdown('two'))\n"
        "print('three', file=sys.stderr)\n'four'"
    )
    outputs = run(cell(code))
    assert [(out.kind, out.text) for out in outputs] == [
        ("stdout", "one\n"),
        ("display", ""),
        ("stderr", "three\n"),
        ("value", ""),
    ]
    assert outputs[1].data["text/markdown"] == "two"
    assert outputs[3].data["text/plain"] == "'four'"


def test_a_semicolon_keeps_the_last_value_to_itself(run):
    assert run(cell("1 + 1;")) == []


def test_parameters_replace_the_defaults_and_keep_their_types(run):
    text = cell("a = 1\nb = 'x'\nwhen = None", "tags: [parameters]")
    text += cell("(a, b, when)")
    (shown,) = run(text, a=[1.5, True], when="__import__('os')")
    assert shown.data["text/plain"] == "([1.5, True], 'x', \"__import__('os')\")"


def test_an_undeclared_parameter_is_warned_about(run):
    with pytest.warns(ResultWarning, match="has no parameter `b`"):
        run(cell("a = 1", "tags: [parameters]"), b=2)


def test_parameters_need_a_cell_that_takes_them(run):
    with pytest.raises(DataError, match=r"`params` gives `a`, but `document\.qmd` has"):
        run(cell("a = 1"), a=2)


def test_inline_expressions_see_the_cells_before_them(run):
    text = "`{python} 1`\n" + cell("x = 2") + "`{python} x` `{python} f'{x:.1f}'`"
    outputs = run(text)
    assert [out.data["text/plain"] for out in outputs] == ["1", "2", "2.0"]


def test_an_unformatted_array_scalar_is_warned_about(run):
    text = cell("import numpy as np") + "Mean `{python} np.float64(1.5)`."
    with pytest.warns(ResultWarning, match=r"line 4: `np\.float64\(1\.5\)` is shown"):
        run(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\n\n" + cell("x = 1\n1 / 0"), "line 5: ZeroDivisionError: division by zero"),
        (
            cell("1 / 0", "label: fig-a"),
            "line 3, cell `fig-a`: ZeroDivisionError: division by zero",
        ),
        (
            cell("def f():\n    raise KeyError('k')") + cell("1\nf()"),
            "line 7 (raised by `document.qmd`, line 3): KeyError: 'k'",
        ),
        (cell("x = 1\nx = = 2"), "line 3: SyntaxError: invalid syntax"),
        (cell("import sys\nsys.exit(3)"), "line 3: SystemExit: 3"),
        (cell("x = ("), "line 2: SyntaxError: incomplete input"),
        ("a\n`{python} nope`", "line 2: NameError: name 'nope' is not defined"),
        ("a `{python} 1 +`", "line 1: SyntaxError: invalid syntax"),
        (cell("input()"), "line 2: "),
        (
            cell(
                "class A:\n    def _repr_html_(self):\n        raise OSError('no')\nA()"
            ),
            "line 4: OSError: no",
        ),
    ],
)
def test_what_raises_is_one_error_with_its_line(run, text, message):
    with pytest.raises(DataError) as error:
        run(text)
    assert f"`document.qmd`, {message}" in str(error.value)
    assert "<step" not in str(error.value)


def test_a_process_that_dies_names_the_step(run):
    text = "a\n" + cell("1") + cell("import os\nos._exit(7)")
    with pytest.raises(DataError, match="line 5: the process ended here with status 7"):
        run(text)


@pytest.mark.parametrize(
    "code",
    [
        "import threading, time\nthreading.Thread(target=time.sleep, args=[9]).start()",
        "import subprocess\nsubprocess.Popen(['sleep', '9'])",
    ],
    ids=["thread", "process"],
)
def test_nothing_that_a_cell_leaves_running_is_waited_for(run, code):
    start = monotonic()
    assert run(cell(code + "\n1"))[0].data["text/plain"] == "1"
    assert monotonic() - start < 8


def test_a_cell_that_prints_without_end_is_stopped(run):
    with pytest.raises(DataError, match="line 3: DataError: A cell writes more than"):
        run(cell("while True:\n    print('x' * 1000)"))


def test_an_allowed_error_is_shown(run):
    outputs = run(cell("1 / 0", "error: true") + cell("'after'"))
    assert outputs[0].kind == "error"
    assert outputs[0].text == "ZeroDivisionError: division by zero"
    assert outputs[1].data["text/plain"] == "'after'"


def test_a_cell_that_is_not_evaluated_is_not_run(run):
    assert run(cell("1 / 0", "eval: false")) == []


def test_nothing_inline_runs_when_the_header_says_so(run):
    assert run("---\nexecute: {eval: false}\n---\n`{python} nope`") == []


def test_code_runs_in_the_empty_working_folder_with_a_fixed_hash(run, tmp_path):
    code = "import os\n(os.getcwd(), os.environ['PYTHONHASHSEED'])"
    (shown,) = run(cell(code))
    assert literal_eval(shown.data["text/plain"]) == (str(tmp_path / "work"), "0")


def test_an_unknown_figure_format_is_refused(run):
    with pytest.raises(DataError, match="`fig-format` must be `svg`, `png`, `retina`"):
        run("---\nfig-format: pdf\n---\n" + cell("1"))
