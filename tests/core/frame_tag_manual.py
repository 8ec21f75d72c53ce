#!/usr/bin/env python3
"""Prints the C code of a man page's literal displays that is meant to be copied, as a header."""

import re
import sys


def main():
    page, header = sys.argv[1:]
    with open(page, encoding="utf-8") as file:
        displays = re.findall(r"^\.Bd -literal[^\n]*\n(.*?)^\.Ed$", file.read(), re.M | re.S)
    code = [text for text in displays if text.startswith("#include")]
    if len(code) != 1:
        sys.exit(f"{page}: expected one example that is a whole, found {len(code)}")
    with open(header, "w", encoding="utf-8") as file:
        file.write(code[0])


if __name__ == "__main__":
    main()
