"""What `terraform fmt` would change, as far as our files need it: for machines that have no Terraform."""

import re
from collections.abc import Iterator

_STRING_OR_COMMENT = re.compile(r'"(?:\\.|\$\{[^}]*\}|[^"\\])*"|(?:#|//).*$')
_ASSIGNMENT = re.compile(r"^ *(?P<name>[\w.\"-]+|\(.+?\)) *(?P<equals>=) (?=\S)")


def complaints(text: str) -> Iterator[str]:
    """Yield lines with an indentation other than two spaces per bracket, extra blanks, or unaligned equals signs."""
    open_brackets: list[int] = []  # how many each line has left open
    aligned: list[tuple[int, int, int]] = []  # line, where its name ends and where its equals sign is
    for number, line in enumerate(text.splitlines(), 1):
        if line != line.rstrip() or "\t" in line:
            yield f"line {number}: blanks at the end, or a tab"
        bare = _STRING_OR_COMMENT.sub("", line).strip()
        net = len(re.findall(r"[\[({]", bare)) - len(re.findall(r"[\])}]", bare))
        closing = bare[:1] in tuple("])}")
        for _ in range(-net):
            open_brackets[-1] -= 1
            if not open_brackets[-1]:
                open_brackets.pop()
        level = len(open_brackets) - (closing and net >= 0)
        if line.strip() and len(line) - len(line.lstrip()) != 2 * level:
            yield f"line {number}: indented otherwise than by {2 * level}"
        if net > 0:
            open_brackets.append(net)
        found = _ASSIGNMENT.match(line)
        if found and net == 0:
            aligned.append((number, found.end("name"), found.start("equals")))
            continue
        yield from _apart(aligned)
        if found and found.start("equals") != found.end("name") + 1:
            yield f"line {number}: the equals sign is not one blank behind the name"
        aligned = []
    yield from _apart(aligned)


def _apart(aligned: list[tuple[int, int, int]]) -> Iterator[str]:
    right = max((name for _, name, _ in aligned), default=0) + 1
    for number, _, equals in aligned:
        if equals != right:
            yield f"line {number}: the equals sign is not aligned with its neighbours"
