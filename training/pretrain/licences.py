"""Tells the licence of a repository from its licence files."""
import re
import subprocess

ACCEPTED = ("MIT", "BSD", "Apache-2.0", "ISC", "PSF")
_FILE = re.compile(r"^(licen[cs]e|copying|unlicense)([.-]?(txt|md|rst|mit|apache|bsd|apache-2\.0|python|psf))?$", re.I)
_COPYLEFT = re.compile(r"GNU (LESSER |AFFERO |LIBRARY )?GENERAL PUBLIC LICEN[CS]E|Mozilla Public License|European Union Public|Zope Public License", re.I)
_SIGNS = (
    ("Apache-2.0", re.compile(r"Apache License\s*,?\s*(\n\s*)?Version 2\.0", re.I)),
    ("MIT", re.compile(r"Permission is hereby granted,\s+free of charge,\s+to any person\s+obtaining", re.I)),
    ("BSD", re.compile(r"Redistribution and use in source and binary forms", re.I)),
    ("PSF", re.compile(r"PYTHON SOFTWARE FOUNDATION LICENSE", re.I)),
    ("ISC", re.compile(r"Permission to use, copy, modify, and(/or)? distribute this software (and its documentation )?for any\s+purpose", re.I)),
)


def licence(git_dir: str) -> str:
    """One of ACCEPTED, or 'copyleft' or 'unclear'."""
    def git(*arguments: str) -> str:
        return subprocess.run(["git", "-C", git_dir, *arguments], capture_output=True, check=True).stdout.decode("utf-8", "replace")

    found: list[str] = []
    for name in sorted(git("ls-tree", "--name-only", "HEAD").split("\n")):
        if not _FILE.match(name):
            continue
        try:
            text = git("show", f"HEAD:{name}")
        except subprocess.CalledProcessError:
            continue
        if _COPYLEFT.search(text[:1500]):
            return "copyleft"
        found += [name for name, sign in _SIGNS if sign.search(text)][:1]
    return found[0] if found else "unclear"
