"""The README's table of codes says what the module declares."""

from __future__ import annotations

from pathlib import Path

from tensorarrow._errors import CODES

README = Path(__file__).parents[4] / "README.md"


def test_codes_are_documented_as_declared() -> None:
    readme = README.read_text(encoding="utf-8")
    rows = "\n".join(f"| `{code}` | {meaning} |" for code, meaning in CODES.items())
    table = f"| code | meaning |\n|---|---|\n{rows}"
    assert f"<!-- python-errors:begin -->\n{table}\n<!-- python-errors:end -->" in readme
