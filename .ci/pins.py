"""Keep every version, transitive ones too, pinned in pyproject.toml: `uv lock --upgrade && uv run .ci/pins.py`.

uv.lock writes down registry addresses, so it stays out of git; uv reads `constraint-dependencies` instead.
With --check nothing is written: exit 1 if a package that uv resolved, or what builds the project, is not pinned, or
pinned to another version.
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"^constraint-dependencies = \[\n.*?^\]\n", re.MULTILINE | re.DOTALL)


def resolved() -> list[str]:
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    return sorted(f"{one['name']}=={one['version']}" for one in packages if one["name"] != "plainbill")


def main() -> int:
    project = ROOT / "pyproject.toml"
    text = project.read_text()
    pinned = tomllib.loads(text)["tool"]["uv"].get("constraint-dependencies", [])
    wanted = resolved()
    if "--check" in sys.argv[1:]:
        builders = tomllib.loads(text)["build-system"]["requires"]
        wrong = sorted({*wanted, *builders} - {*pinned, *(one for one in builders if "==" in one)})
        for pin in wrong:
            print(f"not pinned in pyproject.toml: {pin}")
        found = len(wanted) + len(builders)
        print(f"{found - len(wrong)} of {found} versions are pinned")
        return 1 if wrong else 0
    block = "constraint-dependencies = [\n" + "".join(f'    "{pin}",\n' for pin in wanted) + "]\n"
    text = (
        BLOCK.sub(block, text) if BLOCK.search(text) else text.replace("[tool.uv]\n", "[tool.uv]\n" + block)
    )
    project.write_text(text)
    print(f"pinned {len(wanted)} versions")
    return 0


if __name__ == "__main__":
    sys.exit(main())
