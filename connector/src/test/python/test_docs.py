"""The reference of errors says what the module declares.

With TENSORARROW_UPDATE_DOCS=1 in the environment the section is written, else it is compared.
"""

from __future__ import annotations

import os
import re
import textwrap
from pathlib import Path

from tensorarrow._errors import CODES

ERRORS = Path(__file__).parents[3] / "docs" / "reference" / "errors.md"
BEGIN = "<!-- python-errors:begin -->\n"
END = "<!-- python-errors:end -->"


def wrapped(text: str) -> str:
    return textwrap.fill(text, 118, break_long_words=False, break_on_hyphens=False)


def section() -> str:
    entries = []
    for code, (meaning, remedy, example, since) in sorted(CODES.items()):
        sentence = meaning[0].upper() + meaning[1:] + "."
        entries.append(
            f"### `{code}`\n\n{wrapped(sentence)}\n\n{wrapped('**What to do:** ' + remedy)}\n\n"
            f"Since {since}. A message:\n\n```text\n[{code}] {example}\n```\n\n"
        )
    return "\n" + "".join(entries)


def test_codes_are_documented_as_declared() -> None:
    page = ERRORS.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    found, after = rest.split(END)
    if os.environ.get("TENSORARROW_UPDATE_DOCS"):
        ERRORS.write_text(before + BEGIN + section() + END + after, encoding="utf-8")
    else:
        assert found == section()


def test_every_code_says_what_to_do_in_sentences() -> None:
    for code, (meaning, remedy, example, _) in CODES.items():
        assert not meaning.endswith("."), code
        assert remedy[0].isupper(), code
        assert remedy.endswith("."), code
        assert re.fullmatch("Cannot .+: found .+; expected .+[^.]", example), code
