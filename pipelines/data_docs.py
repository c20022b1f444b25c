"""A validation's findings as one page for a person: Great Expectations' Data Docs.

The page stands alone. Great Expectations' own frame around its sections fetches styles and scripts from half a dozen
hosts, which a closed cluster does not reach and which need not learn of a training. Its sections are kept, in a frame
that fetches nothing, those with a failed expectation first.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from serving.replacement import replace_file

_FRAME = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Validation of labelled traces</title>
<style>
body {{ font: 14px/1.4 system-ui, sans-serif; color: #222; max-width: 75em; margin: 1.5em auto; padding: 0 1em; }}
h5 {{ font-size: 1.05em; margin: 1.2em 0 0.3em; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ border: 1px solid #ddd; padding: 0.25em 0.5em; text-align: left; vertical-align: top; }}
td {{ overflow-wrap: anywhere; }}
th {{ background: #f4f4f4; white-space: nowrap; }}
table[data-search] > tbody > tr > td:first-child {{ width: 3em; text-align: center; }}
a {{ color: inherit; text-decoration: none; }}
.collapse, a[data-toggle="collapse"] {{ display: none; }}
.fa-times::before {{ content: "\\2717"; }}
.fa-check-circle::before {{ content: "\\2713"; }}
.fa-exclamation-triangle::before {{ content: "!"; }}
.text-danger {{ color: #b00020; font-style: normal; }}
.text-warning {{ color: #8a5a00; font-style: normal; }}
.text-success {{ color: #1a7f37; font-style: normal; }}
.badge {{ font-family: ui-monospace, monospace; background: #eee; border-radius: 3px; padding: 0 0.3em; }}
</style>
</head>
<body>
<h1>Validation of labelled traces</h1>
{sections}
</body>
</html>
"""


def write_data_docs(result: Any, page: Path) -> None:
    """Render a suite's validation result into one HTML file.

    Args:
        result: ``ExpectationSuiteValidationResult`` of Great Expectations. It goes through JSON, since NumPy's numbers
            in it are left out of the page.
        page: the file; its directory is made where it is not there.
    """
    from great_expectations.core import expectationSuiteValidationResultSchema  # noqa: PLC0415
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer  # noqa: PLC0415
    from great_expectations.render.view.view import DefaultJinjaSectionView  # noqa: PLC0415

    plain = expectationSuiteValidationResultSchema.load(json.loads(json.dumps(result.to_json_dict())))
    overview, *others = ValidationResultsPageRenderer().render(plain).sections
    failed = _failed_sections(result)
    others.sort(key=lambda section: section.section_name not in failed)
    view: Any = DefaultJinjaSectionView()
    sections = [
        view.render({"section": section.to_json_dict(), "section_loop": {"index": index}})
        for index, section in enumerate((overview, *others), start=1)
    ]
    page.parent.mkdir(parents=True, exist_ok=True)
    replace_file(page, _FRAME.format(sections="\n".join(sections)).encode())


def _failed_sections(result: Any) -> frozenset[str]:
    """Sections are named after their column; what is asked of the whole table has one of its own."""
    failed = (answer.expectation_config for answer in result.results if not answer.success)
    return frozenset(config.kwargs.get("column", "Table-Level Expectations") for config in failed)
