"""The desk of an agency: what becomes of received documents, recalls and replacements, groups, series, alarms."""
