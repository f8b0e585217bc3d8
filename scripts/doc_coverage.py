#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lists public names without a doc comment: reads doxygen's report, prints what the rules below do not excuse.

One comment stands for the paragraph of functions below it, up to the next blank line. Beyond that a name needs none
  - where it means what it always means: overrides, copies, assignments, comparisons, destructors, `*`, `->` and bool of
    handles, accessors named after the member that they return;
  - where the class says it: constructors, the call operator, `k...` constants and types that a base class asks for,
    members ending in `_`;
  - where a field table says it: an options struct and its fields;
  - where a macro makes it: the comment above the macro's call stands for all of them.
Misdocumented names (a parameter that does not exist, an unknown command) are never excused.
"""
import functools
import pathlib
import re
import subprocess
import sys

USUAL = re.compile(
    r"\boverride\b|\bfinal\b|= (default|delete);|operator(==|!=|<=>|=|<<|->|\*|\(\))\s*\(|operator bool\(\)|~\w+\(")
ACCESSOR = re.compile(r"\b(\w+)\(\) const \{ return (?:\w+(?:\.|->))?(\w+?)_?; \}")
FROM_CLASS = re.compile(r"\bk[A-Z]\w*$|_$|^Options$|^clone$")


@functools.lru_cache(maxsize=None)
def lines_of(path):
    with open(path, encoding="utf-8") as stream:
        return stream.read().split("\n")


@functools.lru_cache(maxsize=None)
def shared_rows():
    """Fields whose rows several tables share: those in functions such as layer_fields()."""
    names = set()
    for path in pathlib.Path("include").rglob("*.h"):
        text = path.read_text(encoding="utf-8")
        for body in re.findall(r"^constexpr auto \w+_fields\(\) \{\n(.*?)^\}", text, re.M | re.S):
            names.update(re.findall(r"field<&\w+::(\w+)>", body))
    return names


def paragraph_has_comment(lines, index):
    """Whether a doc comment stands above, within the same paragraph and not deeper than the declaration."""
    indent = len(lines[index]) - len(lines[index].lstrip())
    for line in reversed(lines[:index]):
        text = line.strip()
        if not text or text.endswith(":") and not text.startswith("///"):
            return False
        depth = len(line) - len(line.lstrip())
        if depth < indent:
            return False  # the enclosing class, whose comment is not this one's
        if depth == indent and re.match(r"///|/\*\*|\*/|\* ", text):
            return True
    return False


def excused(path, number, kind, name, scope):
    lines = lines_of(path)
    index = number - 1
    # A declaration may span lines; doxygen names the one with the name.
    text = " ".join(lines[index : index + 3])
    if re.match(r"\s*[A-Z][A-Z0-9_]+\(", lines[index]) or lines[index].rstrip().endswith("\\"):
        return paragraph_has_comment(lines, index)
    own = re.split(r"[;{]", text.replace("{}", ""))[0] + ";"
    accessor = ACCESSOR.search(lines[index])
    if accessor and accessor[1] == accessor[2]:
        return True
    if USUAL.search(own) or FROM_CLASS.search(name):
        return True
    if name == re.sub(r"<.*", "", scope).split("::")[-1].strip():
        return True
    if kind == "variable":
        rows = f"::{name}>"
        return name in shared_rows() or any(rows in line for line in lines)
    if kind == "compound":
        table = re.compile(rf"\bFieldTable<(\w+::)*{name.split('::')[-1]}>")
        return any(table.search(line) for line in lines)
    return paragraph_has_comment(lines, index)


def main():
    report = subprocess.run(["doxygen", "docs/Doxyfile"], capture_output=True, text=True, check=False).stderr
    missing = set()
    for line in report.splitlines():
        member = re.match(
            r"(?P<path>.+?):(?P<line>\d+): error: Member (?P<name>.+?) \((?P<kind>\w+)\) of "
            r"(?P<scope_kind>\w+) (?P<scope>.*) is not documented", line)
        compound = re.match(r"(?P<path>.+?):(?P<line>\d+): error: Compound (?P<name>.+) is not documented", line)
        match = member or compound
        if match:
            name = re.sub(r"[(<\[].*", "", match["name"]).strip() if member else match["name"]
            kind, scope = (member["kind"], member["scope"]) if member else ("compound", "")
            if "<" in match["name"] and compound:
                continue  # a specialisation: its template says what it is
            if "<" in scope:
                continue  # an instance of a template, which is reported itself
            if not excused(match["path"], int(match["line"]), kind, name, scope):
                missing.add((match["path"], int(match["line"]), f"{match['name']} has no doc comment"))
        elif ": error:" in line or ": warning:" in line:
            missing.add((line, 0, ""))
    for path, number, sentence in sorted(missing):
        print(f"{path}:{number}: {sentence}" if number else path)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
