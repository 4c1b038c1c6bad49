"""What the authors say of a study: the section ``[statements]`` of its file."""

from __future__ import annotations

from fahrstats.section import Section
from fahrstats.statements import STATEMENTS
from fahrstats.study.notes import note_problems
from fahrstats.study.privacy import without_folders


def read_statements(top: Section) -> dict[str, str]:
    """Read what the authors say, by the keys of :data:`STATEMENTS` and in their order.

    A text may hold what notes may: paragraphs, lists, emphasis and links. Folders of
    the machine it was written on are left out.
    """
    section = top.section("statements")
    section.asked.update(STATEMENTS)
    texts = {
        key: section.text(key, required=True).strip()
        for key in STATEMENTS
        if section.is_given(key)
    }
    section.finish()
    for key, text in texts.items():
        for problem in note_problems(text, key) if text else ():
            section.problem(problem)
    return {key: without_folders(text) for key, text in texts.items() if text}
