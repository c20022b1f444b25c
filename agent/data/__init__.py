"""The vendor's event files, trimmed to the events of the feature contract."""
