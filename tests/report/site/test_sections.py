"""A page is taken apart into what can be searched."""

from __future__ import annotations

from fahrstats.report.site.sections import Section, read_page

PAGE = """<!DOCTYPE html>
<html><head><title>Title</title><script>if (a < b) "</head><body>"</script></head>
<body class="x">
<a class="skip-link" href="#main">Skip</a>
<header><h1>Report</h1><p>By hand.</p></header>
<nav><ul><li>Contents</li></ul></nav>
<section id="sec-a"><h2><span>1</span> First</h2><p>Half<em>way</em>,<br>next &amp; so
on.</p><svg><text>axis</text><svg></svg></svg>
<table><tr><th>a</th><td>1</td></tr></table></section>
<h3 id="own">Second</h3><style>p {}</style>
<section id="sec-b"><h2></h2></section>
<p>Tail.</p></body></html>
"""


def test_sections_have_their_anchor_heading_and_text():
    assert read_page(PAGE).sections == [
        Section("", "Report", "By hand."),
        Section("sec-a", "1 First", "Halfway, next & so on. a 1"),
        Section("own", "Second", ""),
        Section("sec-b", "", "Tail."),
    ]


def test_places_are_those_of_the_elements_and_not_of_scripts():
    page = read_page(PAGE)
    assert PAGE[page.head_end :].startswith("</head>\n<body class")
    assert PAGE[: page.body_start].endswith("Skip</a>")
    plain = PAGE.replace('<a class="skip-link" href="#main">Skip</a>\n', "")
    assert plain[read_page(plain).body_start :].startswith("\n<header>")


def test_text_before_the_first_heading_is_kept():
    assert read_page("<body><p>Alone</p></body>").sections == [Section("", "", "Alone")]
