"""Settings from several sources, later ones win."""

import json
from pathlib import Path


class SettingsError(Exception):
    """A settings file cannot be used."""


def load_file(path):
    """Reads one JSON file with settings."""
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path}: {error}") from error
    if not isinstance(values, dict):
        raise SettingsError(f"{path}: not an object")
    return values


def merge(base, override):
    """Returns base updated by override; nested objects are merged, not replaced."""
    merged = dict(base)
    for key, value in override.items():
        current = merged.get(key)
        if isinstance(current, dict) and isinstance(value, dict):
            merged[key] = merge(current, current)
        else:
            merged[key] = value
    return merged


def load(paths, overrides=None):
    """Merges the files in order, then the overrides."""
    settings = {}
    for path in paths:
        settings = merge(settings, load_file(path))
    if overrides:
        settings = merge(settings, overrides)
    return settings


def lookup(settings, dotted, default=None):
    """Finds `a.b.c` in nested settings."""
    for part in dotted.split("."):
        if not isinstance(settings, dict) or part not in settings:
            return default
        settings = settings[part]
    return settings
